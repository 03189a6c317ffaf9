//! The two doors: in process, and over loopback.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use bytes::Bytes;
use eys::net::{NetError, Reply, Request, Transport};
use tokio::net::TcpListener;

use super::{Ask, Delivery, Market};

/// The most bytes of a request that are taken.
const LARGEST: usize = 32 << 20;

#[async_trait]
impl Transport for Market {
    async fn send(&self, request: Request) -> Result<Reply, NetError> {
        let authority = request.url.authority().to_owned();
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let unreachable = || NetError::NotConnected { host: host.clone(), why: "connection refused".into() };
        let lost = |why: &str| NetError::Lost { host: host.clone(), why: why.into() };
        let known = |name: &str| self.lock().hosts.get(name).cloned();
        let shop = known(&authority).or_else(|| known(&host)).ok_or_else(unreachable)?;
        let wire = request.wire_url();
        let mut ask = Ask::new(request.body);
        *ask.method_mut() = request.method;
        *ask.uri_mut() = wire.as_str().parse().map_err(|_| lost("the address is not one"))?;
        *ask.headers_mut() = request.headers;
        // A task of its own: the request goes on when its client hangs up.
        match tokio::spawn(self.clone().play(shop, ask)).await {
            Ok(Delivery::Answered(answer)) => {
                Ok(Reply { status: answer.status, headers: answer.headers, body: answer.body })
            }
            Ok(Delivery::Cut(_)) => Err(lost("the connection closed before the answer was complete")),
            Ok(Delivery::Lost) => Err(lost("connection reset by peer")),
            Ok(Delivery::Unreachable) => Err(unreachable()),
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }
}

impl Market {
    /// Opens a port of the loopback for a shop and returns its address. Ends with the runtime.
    pub async fn serve(&self, shop: &str, port: u16) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        self.lock().hosts.insert(address.to_string(), shop.into());
        let (market, shop) = (self.clone(), shop.to_owned());
        let router = Router::new().fallback(move |request: axum::extract::Request| {
            let (market, shop) = (market.clone(), shop.clone());
            async move { market.take(shop, request).await }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }

    async fn take(self, shop: String, request: axum::extract::Request) -> http::Response<Body> {
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, LARGEST).await else { return http::Response::new(Body::new(Broken(None))) };
        let ask = Ask::from_parts(parts, body);
        let delivery = tokio::spawn(self.play(shop, ask)).await;
        let (answer, body) = match delivery {
            Ok(Delivery::Answered(answer)) => {
                let body = Body::from(answer.body.clone());
                (answer, body)
            }
            Ok(Delivery::Cut(answer)) => {
                let half = answer.body.slice(..answer.body.len() / 2);
                (answer, Body::new(Broken(Some(half))))
            }
            _ => return http::Response::new(Body::new(Broken(None))),
        };
        let mut response = http::Response::new(body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        response
    }
}

/// A body that ends in a broken line.
struct Broken(Option<Bytes>);

/// The line broke.
#[derive(Debug, thiserror::Error)]
#[error("the line broke, as planned")]
struct BrokenLine;

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = BrokenLine;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BrokenLine>>> {
        Poll::Ready(Some(self.0.take().map(http_body::Frame::data).ok_or(BrokenLine)))
    }
}
