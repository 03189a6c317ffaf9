//! `eys auth`: tokens that their owner has to consent to in a browser. The address to open is printed. Where the browser
//! ends up on this machine, it is waited for; what it shows afterwards can always be pasted back.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tokio::time::timeout;
use url::Url;

use super::landing::Landing;
use super::{Context, End, named};
use crate::app::{chance, consent, keeper};
use crate::channel::registry::Consent;
use crate::channel::{ChannelError, printable};
use crate::ui::Failure;

/// How long a browser is waited for where nobody can paste anything.
const PATIENCE: Duration = Duration::from_mins(15);

pub(super) async fn auth(context: &Context, channel: &str) -> End {
    let config = context.places.read()?;
    let found = named(&config, channel)?;
    let state = context.places.state(Some(&config));
    let Some(consent) = consent(found, &state)? else {
        let message = format!("`{channel}` is of the kind {}, which needs no browser", found.kind.name);
        let next = "its credentials stand in channels.toml; `eys doctor` tries them".to_owned();
        return Err(Failure::Usage(message, Some(next)));
    };
    let failed =
        |error: &ChannelError| Failure::Other(format!("{}: {}", found.name, error.message), error.next.clone());
    // It comes back with the answer, and tells it from an answer to somebody else's question.
    let secret = chance();
    let address = consent.address(&secret).map_err(|error| failed(&error))?;
    // The door is open before anybody can be sent to it.
    let landing = landing(context, &*consent).await;
    context.ui.complain(&format!(
        "{}\n\nOpen this address, sign in as the seller, and agree:\n\n  {address}\n",
        asked(&*consent)
    ));
    let answer = match landing {
        None => {
            context
                .ui
                .complain("Then paste the whole address of the page that you end up on (or only the code in it):");
            pasted()?
        }
        Some(landing) => {
            context.ui.complain(
                "Waiting for the browser to come back. If it runs on another machine, paste the address that it ends up on:",
            );
            landed_or_pasted(&landing, &secret).await?
        }
    };
    let code = code_of(&answer, &secret)?;
    let token = consent.trade(&code).await.map_err(|error| failed(&error))?;
    let keeper = keeper(&state);
    let kept = async {
        let _renewing = keeper.renewal(&found.name).await?;
        keeper.keep(&found.name, &token).await
    };
    kept.await.map_err(|why| Failure::Other(format!("{}: {why}", found.name), None))?;
    let until = token.ends.map(|ends| format!("; it ends on {}", ends.strftime("%Y-%m-%d"))).unwrap_or_default();
    context.ui.say(&format!("Consent for {} is kept beside the state{until}.", found.name));
    context.ui.note(&format!(
        "Next: `eys doctor` tries it. If `refresh_token` stands in [channels.{}], take it out: this one is in its place.",
        found.name
    ));
    let body = Map::from_iter([
        ("channel".to_owned(), Value::from(found.name.as_str())),
        ("ends".to_owned(), token.ends.map_or(Value::Null, |ends| Value::from(ends.to_string()))),
    ]);
    context.ui.document("auth", 0, body);
    Ok(0)
}

/// Tells what the owner is about to allow.
fn asked(consent: &dyn Consent) -> String {
    let lines = consent.scopes().iter().map(|(scope, words)| format!("  {scope}: {words}"));
    format!("eys asks for:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// Opens the door that the browser comes back to, where it is one of this machine.
async fn landing(context: &Context, consent: &dyn Consent) -> Option<Landing> {
    let address = consent.redirect().filter(Landing::is_here)?;
    match Landing::open(address.clone()).await {
        Ok(landing) => Some(landing),
        Err(error) => {
            context.ui.complain(&format!(
                "The browser cannot be waited for at {address} ({error}). It will show an error; its address is right all the same.\n"
            ));
            None
        }
    }
}

/// Waits for the browser and for somebody who pastes, whichever comes first.
async fn landed_or_pasted(landing: &Landing, state: &str) -> Result<String, Failure> {
    let (told, pasted_first) = oneshot::channel();
    // Nothing wakes a thread that reads from a terminal; it ends with the process.
    std::thread::spawn(move || {
        if let Ok(line) = pasted() {
            let _ = told.send(line);
        }
    });
    let landed = landing.wait(state);
    tokio::pin!(landed);
    tokio::select! {
        address = &mut landed => Ok(address),
        line = pasted_first => match line {
            Ok(line) => Ok(line),
            // Nobody is there to paste anything; the browser may still come.
            Err(_) => timeout(PATIENCE, landed).await.map_err(|_| {
                let next = "run it again and open the address at once: it is good for some minutes".to_owned();
                Failure::Other("no browser came back with an answer".to_owned(), Some(next))
            }),
        },
    }
}

fn pasted() -> Result<String, Failure> {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line).map_err(|error| Failure::Other(error.to_string(), None))?;
    let line = line.trim();
    if read == 0 || line.is_empty() {
        let next = "run it at a terminal, or send the address to its standard input".to_owned();
        return Err(Failure::Usage("nothing was pasted".to_owned(), Some(next)));
    }
    Ok(line.to_owned())
}

/// Finds the code in what was pasted: the whole address, or the code alone. An answer to another question is refused.
fn code_of(pasted: &str, state: &str) -> Result<String, Failure> {
    let again = "start again: each answer is good for one question, and for some minutes";
    let refused = |why: String| Failure::Other(why, Some(again.to_owned()));
    let whole = if pasted.starts_with("http") {
        pasted.to_owned()
    } else {
        let code = pasted.replace('+', "%2B").replace('#', "%23").replace('&', "%26");
        format!("pasted:?state={state}&code={code}")
    };
    let url = Url::parse(&whole).map_err(|_| refused("there is no code in it".to_owned()))?;
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if let Some(error) = value("error") {
        let said = value("error_description").unwrap_or(error);
        return Err(refused(format!("consent was not given: {}", printable(&said, 200))));
    }
    let Some(code) = value("code") else { return Err(refused("there is no code in this address".to_owned())) };
    match value("state") {
        Some(back) if back == state => Ok(code),
        _ => Err(refused("this address answers another question than the one just asked".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(pasted: &str) -> Result<String, String> {
        code_of(pasted, "s1").map_err(|failure| failure.render(false))
    }

    #[test]
    fn the_code_is_found_in_what_is_pasted() {
        assert_eq!(code("https://signin.example/ok?state=s1&code=v%5E1.1%23i&expires_in=299").unwrap(), "v^1.1#i");
        assert_eq!(code("v%5E1.1%23i").unwrap(), "v^1.1#i");
        assert_eq!(code("v^1.1#i&t").unwrap(), "v^1.1#i&t");
        assert_eq!(code("code:of:etsy").unwrap(), "code:of:etsy");
        assert_eq!(code("plain+code").unwrap(), "plain+code");
        assert!(code("https://signin.example/ok?state=other&code=x").unwrap_err().contains("another question"));
        assert!(code("https://signin.example/ok?code=x").unwrap_err().contains("another question"));
        assert!(code("https://signin.example/no?error=access_denied").unwrap_err().contains("access_denied"));
        assert!(code("https://signin.example/ok?state=s1").unwrap_err().contains("no code"));
    }
}
