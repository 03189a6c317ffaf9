//! Signing by OAuth 1.0a, for shops whose WordPress does not see https: there it looks at no plain keys (2.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// A parameter of a request.
pub(super) type Parameter = (String, String);

/// What one signature is made for.
pub(super) struct Signing<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The address as the shop itself would write it, without its query.
    pub url: &'a str,
    /// The query; a body of JSON is not signed.
    pub query: &'a [Parameter],
    /// The consumer key.
    pub key: &'a str,
    /// A word that was never used before.
    pub nonce: &'a str,
    /// The shop's time.
    pub timestamp: i64,
}

impl Signing<'_> {
    /// Returns the parameters that a signed request carries besides its own, the signature last.
    pub fn sign(&self, secret: &SecretString) -> Vec<Parameter> {
        let own = [
            ("oauth_consumer_key", self.key.to_owned()),
            ("oauth_nonce", self.nonce.to_owned()),
            ("oauth_signature_method", "HMAC-SHA256".to_owned()),
            ("oauth_timestamp", self.timestamp.to_string()),
        ];
        let mut own: Vec<Parameter> = own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let all: Vec<Parameter> = self.query.iter().chain(&own).cloned().collect();
        let signature = signature(&base_string(self.method, self.url, &all), secret);
        own.push(("oauth_signature".to_owned(), signature));
        own
    }
}

/// Puts signed parameters into the value of an `Authorization` header.
pub(super) fn header(parameters: &[Parameter]) -> String {
    let quoted: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}=\"{}\"", encode(name), encode(value))).collect();
    format!("OAuth {}", quoted.join(", "))
}

/// Puts parameters into a query.
pub(super) fn query(parameters: &[Parameter]) -> String {
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

fn base_string(method: &str, url: &str, parameters: &[Parameter]) -> String {
    let mut encoded: Vec<Parameter> = parameters.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    encoded.sort();
    let pairs: Vec<String> = encoded.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{method}&{}&{}", encode(url), encode(&pairs.join("&")))
}

fn signature(text: &str, secret: &SecretString) -> String {
    let key = format!("{}&", encode(secret.expose_secret()));
    // A key of any length will do for this kind of signature; the error exists for others.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Encodes as RFC 3986 wants it: all but letters, digits, `-`, `.`, `_` and `~`.
pub(super) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(all: &[(&str, &str)]) -> Vec<Parameter> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    // The example of RFC 5849, section 3.4.1.1.
    #[test]
    fn the_signed_text_is_that_of_the_standard() {
        let all = parameters(&[
            ("b5", "=%3D"),
            ("a3", "a"),
            ("c@", ""),
            ("a2", "r b"),
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
            ("c2", ""),
            ("a3", "2 q"),
        ]);
        let expected = "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D\
            %26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a\
            %26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7";
        assert_eq!(base_string("POST", "http://example.com/request", &all), expected);
    }

    // The signature was worked out by another program, from the text and the key that the facts prescribe.
    #[test]
    fn a_signature_is_that_of_another_program() {
        let query = parameters(&[("per_page", "100"), ("sku", "A,\u{dc} b&c")]);
        let signing = Signing {
            method: "GET",
            url: "http://shop.example/sub/wp-json/wc/v3/products",
            query: &query,
            key: "ck_1",
            nonce: "n-1",
            timestamp: 1_700_000_000,
        };
        let signed = signing.sign(&SecretString::from("cs_1"));
        assert_eq!(signed.last().unwrap().1, "JcXa1JwBDsl3Gil3woNxSNLQXwjdY9lEBlG7n28rfjQ=");
        assert!(header(&signed).starts_with("OAuth oauth_consumer_key=\"ck_1\", oauth_nonce=\"n-1\""));
    }
}
