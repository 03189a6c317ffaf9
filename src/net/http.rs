//! The real network. The only file that knows reqwest.

use std::path::Path;
use std::time::Duration;

use ::http::header::CONTENT_TYPE;
use async_trait::async_trait;
use bytes::BytesMut;
use reqwest::redirect::Policy;
use url::{Host, Url};

use super::{NetError, Reply, Request, Transport};

/// The most bytes of an answer that are taken: an honest one is far smaller.
const LARGEST: usize = 32 << 20;

/// How long an address that the owner named may take.
const KNOCK: Duration = Duration::from_secs(30);

/// The real network, over HTTP and TLS.
pub struct Http {
    client: reqwest::Client,
}

impl Http {
    /// Makes a client. A `ca_file` is trusted beside the machine's own store, for shops behind a company's proxy.
    ///
    /// # Errors
    /// In words, where the file cannot be read or the machine's TLS cannot be used.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("eys/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_mins(2));
        if let Some(path) = ca_file {
            let said = |error: &dyn std::fmt::Display| format!("ca_file {}: {error}", path.display());
            let pem = std::fs::read(path).map_err(|error| said(&error))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| said(&error))?;
            builder = builder.tls_certs_merge(certificates);
        }
        builder.build().map(|client| Self { client }).map_err(|error| causes(&error))
    }

    /// Asks for an address that the owner named, or posts something of a kind to it. The address may be a secret in
    /// itself and stands in no error.
    ///
    /// # Errors
    /// In words, where it cannot be reached in time or answers that it failed.
    pub async fn knock(&self, address: &str, post: Option<(&'static str, String)>) -> Result<(), String> {
        let asked = match post {
            Some((kind, body)) => self.client.post(address).header(CONTENT_TYPE, kind).body(body),
            None => self.client.get(address),
        };
        let answer = asked.timeout(KNOCK).send().await.map_err(|error| causes(&error.without_url()))?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("it answers with {}", answer.status())) }
    }
}

#[async_trait]
impl Transport for Http {
    async fn send(&self, request: Request) -> Result<Reply, NetError> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let lost = |error: reqwest::Error| NetError::Lost { host: host.clone(), why: causes(&error.without_url()) };
        let url = request.wire_url();
        let sent = self.client.request(request.method, url).headers(request.headers).body(request.body).send();
        let mut response = match sent.await {
            Ok(response) => response,
            Err(error) if error.is_connect() => {
                return Err(NetError::NotConnected { why: causes(&error.without_url()), host });
            }
            Err(error) => return Err(lost(error)),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(NetError::TooLarge { host, most: LARGEST });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body: body.freeze() })
    }
}

/// Refuses plain http to a host that is not this machine, unless the owner allowed it.
pub fn check_url(url: &Url, allow_http: bool) -> Result<(), String> {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback || allow_http => Ok(()),
        "http" => Err(format!("{url} would send credentials unencrypted; use https")),
        other => Err(format!("{other}:// is no address of a shop; use https://")),
    }
}

/// Returns what went wrong, from the outside to the root, without addresses and what may stand in them.
fn causes(error: &dyn std::error::Error) -> String {
    let mut words = Vec::new();
    let mut at = Some(error);
    while let Some(error) = at {
        let said = error.to_string();
        if words.last() != Some(&said) {
            words.push(said);
        }
        at = error.source();
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Method};
    use secrecy::SecretString;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::{Again, Label};
    use super::*;

    async fn answer(reply: &'static [u8]) -> Result<Reply, NetError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await.unwrap();
            stream.write_all(reply).await.unwrap();
        });
        let reply = ask(port).await;
        server.await.unwrap();
        reply
    }

    async fn ask(port: u16) -> Result<Reply, NetError> {
        let request = Request {
            method: Method::GET,
            url: format!("http://127.0.0.1:{port}/").parse().unwrap(),
            secret_query: Some(SecretString::from("key=secret-1")),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            label: Label { operation: "testing", cost: 1.0, again: Again::Always },
        };
        Http::new(None).unwrap().send(request).await
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let reply = answer(b"HTTP/1.1 302 Found\r\nlocation: https://elsewhere/\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(reply.unwrap().status, 302);
    }

    #[tokio::test]
    async fn half_an_answer_is_a_lost_one() {
        let reply = answer(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
        let error = reply.unwrap_err();
        assert!(matches!(error, NetError::Lost { .. }));
        assert!(!error.to_string().contains("secret-1"), "{error}");
    }

    #[tokio::test]
    async fn nobody_listening_means_nothing_was_sent() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let error = ask(port).await.unwrap_err();
        assert!(matches!(error, NetError::NotConnected { .. }), "{error}");
        assert!(!error.to_string().contains("secret-1"), "{error}");
    }

    // What is secret in an address stands on the wire and nowhere else.
    #[test]
    fn a_secret_of_the_query_is_added_at_the_door() {
        let request = Request {
            method: Method::GET,
            url: "https://shop.example/wp-json?page=1".parse().unwrap(),
            secret_query: Some(SecretString::from("consumer_secret=secret-1")),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            label: Label { operation: "testing", cost: 1.0, again: Again::Always },
        };
        assert_eq!(request.wire_url().query(), Some("page=1&consumer_secret=secret-1"));
        assert!(!format!("{request:?}").contains("secret-1"), "{request:?}");
    }

    #[test]
    fn plain_http_leaves_this_machine_only_with_leave() {
        let url = |text: &str| text.parse().unwrap();
        assert!(check_url(&url("https://shop.example"), false).is_ok());
        assert!(check_url(&url("http://127.0.0.1:8080"), false).is_ok());
        assert!(check_url(&url("http://shop.example"), false).is_err());
        assert!(check_url(&url("http://shop.example"), true).is_ok());
        assert!(check_url(&url("ftp://shop.example"), true).is_err());
    }
}
