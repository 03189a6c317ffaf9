//! Where the browser lands after a consent, if that is this machine: `eys auth` waits for it there, so that nothing has to
//! be copied. It answers that one address, until the right answer is there, and nobody but this machine.

use std::future::poll_fn;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::{Host, Url};

/// How long a browser may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest beginning of a request that is read.
const LONGEST: usize = 16 * 1024;

/// Doors on which a browser may knock.
pub(super) struct Landing {
    listeners: Vec<TcpListener>,
    address: Url,
}

impl Landing {
    /// Tells whether an address is one of this machine without encryption, where a browser can be waited for.
    pub fn is_here(address: &Url) -> bool {
        address.scheme() == "http" && !doors(address).is_empty()
    }

    /// Opens the doors that an address stands for. A name may mean two of them.
    pub async fn open(address: Url) -> std::io::Result<Self> {
        let mut listeners = Vec::new();
        for door in doors(&address) {
            match TcpListener::bind(door).await {
                Ok(listener) => listeners.push(listener),
                // A machine without the one or the other is no hindrance; a port that is taken is.
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => return Err(error),
                Err(error) if door.is_ipv4() => return Err(error),
                Err(_) => {}
            }
        }
        Ok(Self { listeners, address })
    }

    /// Waits for the browser to bring an answer to the question with this `state`, and returns the address that it came
    /// to. Anything else is answered and waited out.
    pub async fn wait(&self, state: &str) -> String {
        let mut knocks = JoinSet::new();
        loop {
            tokio::select! {
                stream = self.accept() => {
                    knocks.spawn(answer(stream, self.address.clone(), state.to_owned()));
                }
                Some(answered) = knocks.join_next() => {
                    if let Ok(Some(address)) = answered {
                        return address;
                    }
                }
            }
        }
    }

    async fn accept(&self) -> TcpStream {
        poll_fn(|context| {
            for listener in &self.listeners {
                if let Poll::Ready(Ok((stream, _))) = listener.poll_accept(context) {
                    return Poll::Ready(stream);
                }
            }
            Poll::Pending
        })
        .await
    }
}

fn doors(address: &Url) -> Vec<SocketAddr> {
    let port = address.port_or_known_default().unwrap_or(80);
    match address.host() {
        Some(Host::Domain("localhost")) => vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()],
        Some(Host::Ipv4(host)) if host.is_loopback() => vec![(host, port).into()],
        Some(Host::Ipv6(host)) if host.is_loopback() => vec![(host, port).into()],
        _ => Vec::new(),
    }
}

/// Answers a browser; returns the address that it came to, if it brings what was waited for.
async fn answer(mut stream: TcpStream, address: Url, state: String) -> Option<String> {
    let asked = timeout(PATIENCE, target(&mut stream)).await.ok().flatten()?;
    let reached = address.join(&asked).ok().filter(|url| url.path() == address.path());
    let (status, words) = match &reached {
        None => ("404 Not Found", "There is nothing here."),
        Some(url) if !url.query_pairs().any(|(key, value)| key == "state" && value == state) => {
            ("400 Bad Request", "This answers another question than the one that eys just asked. Start again there.")
        }
        Some(url) if url.query_pairs().any(|(key, _)| key == "code") => (
            "200 OK",
            "eys has got the answer. You can close this page; whether it holds, eys says where you started it.",
        ),
        Some(_) => ("200 OK", "Consent was not given. You can close this page; eys says more where you started it."),
    };
    let page = format!("<!doctype html><meta charset=utf-8><title>eys</title><p>{words}</p>\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n",
        page.len()
    );
    // Whether the browser hears of it or not, the answer is there.
    let _ = timeout(PATIENCE, async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(page.as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
    reached.filter(|_| status.starts_with("200")).map(String::from)
}

/// Reads the beginning of a request and returns what is asked for.
async fn target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 2048];
        let read = stream.read(&mut part).await.ok().filter(|read| 0 < *read)?;
        head.extend_from_slice(part.get(..read)?);
        if LONGEST < head.len() {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.lines().next()?.split(' ');
    let asked = words.next().filter(|method| *method == "GET").and(words.next())?;
    asked.starts_with('/').then(|| asked.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    async fn knock(port: u16, request: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[test]
    fn only_this_machine_is_waited_at() {
        for here in ["http://localhost:3003/callback", "http://127.0.0.1:3003/", "http://[::1]:3003/x"] {
            assert!(Landing::is_here(&url(here)), "{here}");
        }
        for elsewhere in ["https://localhost:3003/callback", "http://example.org/", "http://192.168.1.1/", "x:y"] {
            assert!(!Landing::is_here(&url(elsewhere)), "{elsewhere}");
        }
    }

    #[tokio::test]
    async fn the_right_answer_is_waited_for() {
        let landing = Landing::open(url("http://127.0.0.1:0/callback")).await.unwrap();
        let port = landing.listeners[0].local_addr().unwrap().port();
        let waiting = tokio::spawn(async move { landing.wait("s1").await });
        let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        // A browser may open a line and say nothing on it.
        let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        assert!(knock(port, &get("/favicon.ico")).await.starts_with("HTTP/1.1 404"));
        assert!(knock(port, &get("/callback?code=c&state=other")).await.starts_with("HTTP/1.1 400"));
        assert!(knock(port, &get("/callback?code=c")).await.starts_with("HTTP/1.1 400"));
        assert_eq!(knock(port, "POST /callback?code=c&state=s1 HTTP/1.1\r\n\r\n").await, "");
        assert_eq!(knock(port, &get("//elsewhere/callback?code=c&state=s")).await.split(' ').nth(1), Some("400"));
        let page = knock(port, &get("/callback?code=c%2B1&state=s1")).await;
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("has got the answer"), "{page}");
        let reached = url(&waiting.await.unwrap());
        assert_eq!(reached.query(), Some("code=c%2B1&state=s1"));
    }

    #[tokio::test]
    async fn a_refused_consent_is_an_answer_too() {
        let landing = Landing::open(url("http://127.0.0.1:0/callback")).await.unwrap();
        let port = landing.listeners[0].local_addr().unwrap().port();
        let waiting = tokio::spawn(async move { landing.wait("s1").await });
        let page = knock(port, "GET /callback?error=access_denied&state=s1 HTTP/1.1\r\n\r\n").await;
        assert!(page.contains("Consent was not given"), "{page}");
        assert!(waiting.await.unwrap().contains("access_denied"));
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_told() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Landing::open(url(&format!("http://localhost:{port}/callback"))).await.err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    }
}
