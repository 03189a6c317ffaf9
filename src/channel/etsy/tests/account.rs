//! Whose shop it is, its tokens, and what is looked at for `doctor`.

use super::*;
use crate::channel::registry::Consent;
use crate::channel::{Probe, Weight};

const RENEWED: &str = r#"{"access_token":"12345678.access-secret-2","token_type":"Bearer","expires_in":3600,"refresh_token":"12345678.refresh-secret-2"}"#;
const INVALID: &str = r#"{"error":"invalid_grant","error_description":"refresh_token is invalid"}"#;
const ENDED: &str = r#"{"error":"invalid_token"}"#;

fn kept(token: impl Into<Option<Token>>) -> Arc<Kept> {
    Arc::new(Kept { token: Mutex::new(token.into()), ..Kept::default() })
}

fn old() -> Token {
    token("12345678.access-secret-1", "12345678.refresh-secret-1")
}

fn with<S: AsRef<str>>(settings: Settings, kept: &Arc<Kept>, answers: &[(u16, S)]) -> (Etsy, Arc<Script>) {
    let script = Arc::new(Script::default());
    for (status, body) in answers {
        script.add(*status, body.as_ref());
    }
    let doors = Doors { transport: script.clone(), keeper: kept.clone() };
    (Etsy::new(settings, doors).unwrap(), script)
}

fn configured(refresh: &'static str) -> Settings {
    let mut settings = settings();
    settings.values.insert("refresh_token", Value::Secret(Arc::new(Fixed(refresh))));
    settings
}

async fn orders(web: &Etsy) -> crate::channel::Result<usize> {
    web.orders(&OrderWindow::Unfinished, None).await.map(|page| page.items.len())
}

// proves F3: a token that ended is renewed once, what comes is kept before it is used, and no secret shows.
#[tokio::test(start_paused = true)]
async fn a_token_that_ended_is_renewed_once() {
    let kept = kept(old());
    let (web, script) = with(settings(), &kept, &[(401, ENDED), (200, RENEWED), (200, EMPTY)]);
    assert_eq!(orders(&web).await.unwrap(), 0);
    assert_eq!(kept.refresh().as_deref(), Some("12345678.refresh-secret-2"));
    let ends = kept.token.lock().unwrap().as_ref().and_then(|token| token.ends).unwrap();
    assert_eq!(format!("{ends:.0}"), "2027-02-21T07:00:00Z", "ninety days");
    let asked = script.asked();
    assert!(asked[1].ends_with("/v3/public/oauth/token") && asked.len() == 3, "{asked:?}");
    let form = "client_id=keystring1&grant_type=refresh_token&refresh_token=12345678.refresh-secret-1";
    assert_eq!(script.body(1), form, "the keystring alone, without the secret");
    {
        let asked = script.asked.lock().unwrap();
        assert_eq!(asked[2].headers["authorization"], "Bearer 12345678.access-secret-2");
        assert!(asked[2].headers["authorization"].is_sensitive());
        assert!(!format!("{:?}", asked[2]).contains("-secret-"), "{:?}", asked[2]);
    }
    let (web, script) = with(settings(), &kept, &[(401, ENDED), (200, RENEWED), (401, ENDED)]);
    assert_eq!(orders(&web).await.unwrap_err().kind, ErrorKind::Credentials);
    assert_eq!(script.asked().len(), 3, "once");
}

// proves F3: of two processes one renews; the other takes what is kept, and never spends the token that is used up.
#[tokio::test(start_paused = true)]
async fn two_processes_renew_once() {
    let kept = kept(old());
    let (one, first) = with(settings(), &kept, &[(401, ENDED), (200, RENEWED), (200, EMPTY)]);
    let (other, second) = with(settings(), &kept, &[(200, EMPTY), (401, ENDED), (200, EMPTY)]);
    orders(&other).await.unwrap();
    orders(&one).await.unwrap();
    orders(&other).await.unwrap();
    assert!(first.asked().iter().any(|asked| asked.contains("oauth")));
    assert!(!second.asked().iter().any(|asked| asked.contains("oauth")), "{:?}", second.asked());
    assert_eq!(second.asked.lock().unwrap()[2].headers["authorization"], "Bearer 12345678.access-secret-2");
}

/// Answers a renewal with a refusal, while somebody who asked nobody has renewed already.
struct Meanwhile(Arc<Kept>, Script);

#[async_trait]
impl Transport for Meanwhile {
    async fn send(&self, request: Request) -> std::result::Result<Reply, NetError> {
        if request.url.path().contains("oauth") {
            let newer = token("12345678.access-secret-9", "12345678.refresh-secret-9");
            *self.0.token.lock().unwrap() = Some(newer);
        }
        self.1.send(request).await
    }
}

// proves F4: a refresh token that is refused may have been used by another process; only then the owner is asked.
#[tokio::test(start_paused = true)]
async fn a_refused_token_is_read_again_before_giving_up() {
    let kept = kept(old());
    let script = Script::default();
    for (status, body) in [(401, ENDED), (400, INVALID), (200, EMPTY)] {
        script.add(status, body);
    }
    let line = Arc::new(Meanwhile(kept.clone(), script));
    let web = Etsy::new(settings(), Doors { transport: line.clone(), keeper: kept }).unwrap();
    orders(&web).await.unwrap();
    assert_eq!(line.1.asked.lock().unwrap()[2].headers["authorization"], "Bearer 12345678.access-secret-9");
    let kept = self::kept(old());
    let (web, _) = with(settings(), &kept, &[(401, ENDED), (400, INVALID)]);
    let error = orders(&web).await.unwrap_err();
    assert!(error.stops_lane() && error.next.as_deref() == Some("run `eys auth etsy`"), "{error:?}");
    assert!(!error.to_string().contains("-secret-"));
    let (web, script) = with(settings(), &self::kept(None), &[(200, EMPTY)]);
    let error = orders(&web).await.unwrap_err();
    assert!(error.stops_lane() && error.next.as_deref() == Some("run `eys auth etsy`") && script.asked().is_empty());
}

// proves F6: a token that cannot be written down is not used, is not lost either, and is written when that works again.
#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_kept_is_held() {
    let kept = kept(old());
    *kept.failures.lock().unwrap() = 2;
    let (web, script) = with(settings(), &kept, &[(401, ENDED), (200, RENEWED), (200, EMPTY)]);
    for _ in 0..2 {
        let error = orders(&web).await.unwrap_err();
        assert!(error.kind == ErrorKind::File && error.message.contains("disk is full"), "{error}");
        assert_eq!(script.asked().len(), 2, "nothing is sent with a token that is not on disk");
    }
    orders(&web).await.unwrap();
    assert_eq!(kept.refresh().as_deref(), Some("12345678.refresh-secret-2"));
    assert_eq!(script.asked().iter().filter(|asked| asked.contains("oauth")).count(), 1, "it was renewed once");
    // Who consented anew meanwhile has the newer one.
    let kept = self::kept(old());
    *kept.failures.lock().unwrap() = 1;
    let (web, script) = with(settings(), &kept, &[(401, ENDED), (200, RENEWED), (200, EMPTY)]);
    orders(&web).await.unwrap_err();
    *kept.token.lock().unwrap() = Some(token("12345678.access-secret-7", "12345678.refresh-secret-7"));
    orders(&web).await.unwrap();
    assert_eq!(kept.refresh().as_deref(), Some("12345678.refresh-secret-7"));
    assert_eq!(script.asked.lock().unwrap()[2].headers["authorization"], "Bearer 12345678.access-secret-7");
}

// The token of channels.toml is good until it was used; what was got with it goes before it from then on.
#[tokio::test(start_paused = true)]
async fn the_configured_token_begins_the_chain() {
    let kept = kept(None);
    let (web, script) = with(configured("12345678.refresh-secret-0 "), &kept, &[(200, RENEWED), (200, EMPTY)]);
    orders(&web).await.unwrap();
    assert!(script.body(0).ends_with("refresh_token=12345678.refresh-secret-0"));
    let next = RENEWED.replace("secret-2", "secret-3");
    let (web, script) =
        with(configured("12345678.refresh-secret-0"), &kept, &[(401, ENDED), (200, &next), (200, EMPTY)]);
    orders(&web).await.unwrap();
    assert!(script.body(1).ends_with("refresh_token=12345678.refresh-secret-2"));
    // Where the chain is broken, a new one in channels.toml begins another.
    let (web, script) = with(
        configured("12345678.refresh-secret-5"),
        &kept,
        &[(401, ENDED), (400, INVALID), (200, RENEWED), (200, EMPTY)],
    );
    orders(&web).await.unwrap();
    assert!(script.body(2).ends_with("refresh_token=12345678.refresh-secret-5"));
    // The token of another account is a word of the owner's: what is kept of the first one is not used.
    let (web, script) = with(configured("999.refresh-secret-1"), &kept, &[(200, RENEWED), (200, EMPTY)]);
    orders(&web).await.unwrap();
    assert!(script.body(0).ends_with("refresh_token=999.refresh-secret-1"));
}

// proves I1 for Etsy: the shop is who it is; another one than channels.toml names stops the lane, and both are named.
#[tokio::test(start_paused = true)]
async fn the_shop_is_the_one_that_is_meant() {
    let (web, _) = etsy::<&str>(&[]);
    assert_eq!(web.account().await.unwrap().identity, "55500001");
    let mut other = settings();
    other.values.insert("shop_id", Value::Number(777));
    let (web, _) = etsy_with::<&str>(other, &[]);
    let error = web.account().await.unwrap_err();
    assert!(error.stops_lane() && error.message.contains("55500001") && error.message.contains("777"), "{error}");
}

// Each failure with its kind, whether trying again helps, and the words that the owner sees.
#[tokio::test(start_paused = true)]
async fn failures_are_told_in_words() {
    let mut told = Vec::new();
    for (status, body) in [
        (400, r#"{"error":"Missing input parameter \u001b[2J."}"#),
        (403, r#"{"error":"Shared secret is required in x-api-key header."}"#),
        (403, r#"{"error":"API key not found or not active."}"#),
        (403, r#"{"error":"insufficient_scope","error_description":"requires the transactions_r scope"}"#),
        (403, r#"{"error":"The shop is on vacation."}"#),
        (403, r#"{"error":"Something else"}"#),
        (404, NOT_THERE),
        (429, r#"{"error":"Exceeded your quota"}"#),
        (500, "<html>"),
        (200, "<html>soon back</html>"),
        (200, "[]"),
    ] {
        let (web, _) = etsy(&[(status, body)]);
        let error = orders(&web).await.unwrap_err();
        let next = error.next.as_deref().unwrap_or("-");
        told.push(format!("{:?} {:?}: {error}\n    next: {next}", error.kind, error.repeat));
    }
    let told = told.join("\n");
    assert!(!told.contains("-secret-"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn a_key_with_both_parts_in_one_is_told() {
    let mut settings = settings();
    assert!(check(&settings).is_empty());
    settings.values.insert("client_id", Value::Text("keystring1:shared".to_owned()));
    settings.values.insert("redirect_uri", Value::Text("callback".to_owned()));
    assert_eq!(check(&settings).iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["client_id", "redirect_uri"]);
}

// Who asks proves it by a text whose hash went with the question (PKCE); the secret of the app goes nowhere.
#[tokio::test(start_paused = true)]
async fn consent_is_asked_for_and_traded() {
    let script = Arc::new(Script::default());
    script.add(200, RENEWED);
    let doors = Doors { transport: script.clone(), keeper: kept(None) };
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let consent: Box<dyn Consent> = EtsyConsent::prepare(settings(), doors.clone(), verifier.to_owned()).unwrap();
    assert_eq!(
        consent.address("s1").unwrap().as_str(),
        "https://www.etsy.com/oauth/connect?response_type=code&client_id=keystring1\
         &redirect_uri=http%3A%2F%2Flocalhost%3A3003%2Fcallback&scope=listings_r%20listings_w%20transactions_r%20shops_r\
         &state=s1&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    );
    assert_eq!(consent.redirect().unwrap().as_str(), "http://localhost:3003/callback");
    let token = consent.trade("code/1").await.unwrap();
    assert_eq!(token.refresh.unwrap().expose_secret(), "12345678.refresh-secret-2");
    assert_eq!(
        script.body(0),
        format!(
            "client_id=keystring1&grant_type=authorization_code&redirect_uri=http%3A%2F%2Flocalhost%3A3003%2Fcallback\
             &code=code%2F1&code_verifier={verifier}"
        )
    );
    let short = EtsyConsent::prepare(settings(), doors, "short".to_owned()).unwrap();
    assert!(short.address("s1").is_err());
}

// What an adapter can know is looked at without a write, and each finding says what to do.
#[tokio::test(start_paused = true)]
async fn doctor_looks_at_everything() {
    let shared =
        inventory(&[product("CUP-S", Some((1, "S (small)")), 999), product("CUP-M", Some((2, "M")), 999)], &[]);
    let odd = inventory(&[product("A", Some((1, "S")), 4), product("", Some((2, "M")), 5)], &[]);
    let answers = [
        (200, r#"{"application_id":1}"#.to_owned()),
        (200, r#"{"shop_id":55500001,"shop_name":"MugsAndMore"}"#.to_owned()),
        (200, r#"["listings_r","listings_w","shops_r"]"#.to_owned()),
        (200, list(&[listing(1, "active", Some(shared)), listing(2, "active", Some(odd))])),
        (200, list(&[listing(3, "sold_out", Some(mug(0)))])),
        (200, EMPTY.to_owned()),
    ];
    let consented = Token { ends: Some("2027-02-21T07:00:00Z".parse().unwrap()), ..old() };
    let (web, script) = with(settings(), &kept(consented), &answers);
    let probes = web.probe().await.unwrap();
    let told = |probe: &Probe| {
        let about = probe.listing.as_ref().map(|key| format!(" [{key}]")).unwrap_or_default();
        format!(
            "{:?} {}{about}: {}\n    next: {}",
            probe.weight,
            probe.code,
            probe.message,
            probe.next.as_deref().unwrap_or("-")
        )
    };
    insta::assert_snapshot!(probes.iter().map(told).collect::<Vec<_>>().join("\n"));
    assert!(probes.iter().any(|probe| probe.ends.is_some()));
    assert!(probes.iter().all(|probe| probe.weight == Weight::Fine || probe.next.is_some()));
    assert_eq!(script.asked()[..3], ["GET openapi-ping", "GET shops/55500001", "POST scopes"]);
    assert!(!script.asked.lock().unwrap()[0].headers.contains_key("authorization"));
}
