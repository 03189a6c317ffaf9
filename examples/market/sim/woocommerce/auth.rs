//! Who calls, and what they may do: the answers of the sheet's table in 2.2.

use jiff::{SignedDuration, Timestamp};

use super::oauth::{base_string, base64, decoded, encoded, from_base64, signature};
use super::site::query_of;
use super::{Ask, Call, Problem, Result, WooCommerce};

/// A consumer key with its secret (2.2).
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub key: String,
    /// The secret.
    pub secret: String,
    /// What it allows.
    pub permission: Permission,
    /// Whether its user is a mere customer, who may see none of it.
    pub of_customer: bool,
    /// What its user's role does not let it see, by the first word of the route: "orders", "settings" (2.2).
    pub unseen: Vec<&'static str>,
    nonces: Vec<(Timestamp, String)>,
}

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// To read.
    Read,
    /// To write, and not to read.
    Write,
    /// Both.
    ReadWrite,
}

/// What a call is about to do, for the word of its refusal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    View,
    Create,
    Edit,
    Batch,
}

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub(super) enum Caller {
    Nobody,
    Customer,
    Manager,
}

impl Key {
    /// Makes a key of a shop manager.
    pub fn new(key: &str, secret: &str, permission: Permission) -> Self {
        Self {
            key: key.into(),
            secret: secret.into(),
            permission,
            of_customer: false,
            unseen: Vec::new(),
            nonces: Vec::new(),
        }
    }

    /// Returns the header that shows the key over https (2.3).
    pub fn basic(&self) -> String {
        format!("Basic {}", base64(format!("{}:{}", self.key, self.secret).as_bytes()))
    }

    /// Returns the query that signs a request to an address (2.4), its own query left out, with the parameters of that.
    pub fn signed(
        &self,
        method: &str,
        address: &str,
        query: &[(&str, &str)],
        by: &str,
        at: Timestamp,
        nonce: &str,
    ) -> String {
        let stamp = at.as_second().to_string();
        let own = [
            ("oauth_consumer_key", self.key.as_str()),
            ("oauth_nonce", nonce),
            ("oauth_signature_method", by),
            ("oauth_timestamp", &stamp),
        ];
        let params = query.iter().chain(&own).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut params: Vec<_> = params.collect();
        let base = base_string(method, address, &params);
        params.push(("oauth_signature".into(), signature(by, &base, &self.secret).unwrap_or_default()));
        params.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
    }

    /// Looks at the time of a signed request, and remembers its nonce (2.4).
    fn fresh(&mut self, now: Timestamp, stamp: &str, nonce: &str) -> Result<()> {
        let stamp = stamp.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        let window = SignedDuration::from_mins(15);
        let Some(stamp) = stamp.filter(|stamp| now.duration_since(*stamp).abs() <= window) else {
            return Err(refused("Invalid timestamp."));
        };
        self.nonces.retain(|(at, _)| now.duration_since(*at) <= window);
        if self.nonces.iter().any(|(_, used)| used == nonce) {
            return Err(refused("Invalid nonce - nonce has already been used."));
        }
        self.nonces.push((stamp, nonce.into()));
        Ok(())
    }
}

impl Wanted {
    pub fn of(call: &Call) -> Self {
        let last = call.route.last().map(String::as_str);
        match (call.method.as_str(), last) {
            ("GET" | "HEAD" | "OPTIONS", _) => Self::View,
            (_, Some("batch")) => Self::Batch,
            ("POST", Some("products" | "variations" | "orders")) => Self::Create,
            _ => Self::Edit,
        }
    }

    fn reads(self) -> bool {
        matches!(self, Self::View)
    }
}

impl Caller {
    /// Lets a caller do something, or refuses it: 401 to strangers, 403 to those who lack the right (2.2).
    pub fn may(self, wanted: Wanted) -> Result<()> {
        let status = match self {
            Self::Manager => return Ok(()),
            Self::Customer => 403,
            Self::Nobody => 401,
        };
        let (code, words) = match wanted {
            Wanted::View => ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
            Wanted::Create => ("woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."),
            Wanted::Edit => ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
            Wanted::Batch => {
                ("woocommerce_rest_cannot_batch", "Sorry, you are not allowed to batch manipulate this resource.")
            }
        };
        Err(Problem::new(status, code, words))
    }
}

impl WooCommerce {
    /// Tells who calls. The authenticator wakes up only where the address names WooCommerce's routes (2.5).
    pub(super) fn authenticate(&mut self, now: Timestamp, ask: &Ask, call: &Call) -> Result<Caller> {
        let address = ask.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        if !address.contains("wp-json/wc/") && !address.contains("wp-json/wc-") {
            // 2.5: WordPress itself may see the key first, and take it for the name of a user.
            let seen = self.site.core_sees_keys && self.site.secure(ask) && self.basic(ask).is_some();
            let words = "Unknown username. Check again or try your email address.";
            return if seen { Err(Problem::new(401, "invalid_username", words)) } else { Ok(Caller::Nobody) };
        }
        let key = match if self.site.secure(ask) { self.by_secret(ask)? } else { None } {
            Some(key) => key,
            None => match self.by_signature(now, ask)? {
                Some(key) => key,
                None => return Ok(Caller::Nobody),
            },
        };
        let key = &self.keys[key];
        let wanted = Wanted::of(call);
        // 2.2: a key of one kind used for the other is told so, with 401.
        match key.permission {
            Permission::Read if !wanted.reads() => {
                return Err(refused("The API key provided does not have write permissions."));
            }
            Permission::Write if wanted.reads() => {
                return Err(refused("The API key provided does not have read permissions."));
            }
            _ => {}
        }
        let unseen = call.route.first().is_some_and(|first| key.unseen.contains(&first.as_str()));
        Ok(if key.of_customer || unseen { Caller::Customer } else { Caller::Manager })
    }

    /// Finds the key that was sent with its secret; 1.10: over plain http nobody looks.
    fn by_secret(&self, ask: &Ask) -> Result<Option<usize>> {
        let query = query_of(ask);
        let from_query = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        // 2.3: the query wins over the header.
        let named = from_query("consumer_key").zip(from_query("consumer_secret"));
        let Some((key, secret)) = named.or_else(|| self.basic(ask)) else { return Ok(None) };
        // 2.2: an unknown key is as good as none.
        let Some(at) = self.keys.iter().position(|known| known.key == key) else { return Ok(None) };
        if self.keys[at].secret != secret {
            return Err(refused("Consumer secret is invalid."));
        }
        Ok(Some(at))
    }

    fn basic(&self, ask: &Ask) -> Option<(String, String)> {
        let given = self.site.authorization(ask)?;
        let text = String::from_utf8(from_base64(given.strip_prefix("Basic ")?)?).ok()?;
        let (key, secret) = text.split_once(':')?;
        Some((key.into(), secret.into()))
    }

    /// Finds the key that a request is signed with (2.4).
    fn by_signature(&mut self, now: Timestamp, ask: &Ask) -> Result<Option<usize>> {
        let mut params = query_of(ask);
        if let Some(given) =
            self.site.authorization(ask).and_then(|given| given.strip_prefix("OAuth ").map(ToOwned::to_owned))
        {
            for part in given.split(',') {
                if let Some((name, value)) = part.trim().split_once('=') {
                    params.push((decoded(name), decoded(value.trim_matches('"'))));
                }
            }
        }
        let said =
            |name: &str| params.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, v)| v.clone());
        let names =
            ["oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method"];
        let missing: Vec<_> = names.into_iter().filter(|name| said(name).is_none()).collect();
        if missing.len() == names.len() {
            return Ok(None);
        }
        if !missing.is_empty() {
            let words = format!("Missing OAuth parameter {}", missing.join(", "));
            return Err(Problem::new(401, "woocommerce_rest_authentication_missing_parameter", &words));
        }
        let [key, stamp, nonce, given, method] = names.map(|name| said(name).unwrap_or_default());
        let Some(at) = self.keys.iter().position(|known| known.key == key) else {
            return Err(refused("Consumer key is invalid."));
        };
        params.retain(|(name, _)| name != "oauth_signature");
        // The address is the shop's own, with the scheme that PHP sees, whatever host was dialled.
        let base = base_string(ask.method().as_str(), &self.own_address(ask), &params);
        let Some(right) = signature(&method, &base, &self.keys[at].secret) else {
            return Err(refused("Invalid signature - signature method is invalid."));
        };
        if right != given {
            return Err(refused("Invalid signature - provided signature does not match."));
        }
        self.keys[at].fresh(now + self.clock_off, &stamp, &nonce)?;
        Ok(Some(at))
    }
}

/// Refuses credentials that arrived and are wrong (2.2).
pub(super) fn refused(words: &str) -> Problem {
    Problem::new(401, "woocommerce_rest_authentication_error", words)
}
