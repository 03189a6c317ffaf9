//! The way to a shop's API, as hosts really run it: its address, and how the keys get through (2.1 to 2.5).
//!
//! The usual way is tried first and nothing is asked beforehand. Only where it fails as it does behind some hosts are
//! the others tried, and the one that works is kept for the life of the process.

use http::header::{HeaderMap, LINK, LOCATION};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::answer::{code_of, parse};
use crate::channel::{Account, ChannelError, ErrorKind, Repeat, Result, printable};
use crate::net::Reply;

/// The way to a shop's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub root: Root,
    pub keys: Keys,
}

/// Where the API stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// Under an address of its own; it ends in a slash.
    Pretty(Url),
    /// Behind the shop's own address, which ends in a slash: its permalinks are plain.
    Plain(Url),
}

/// How the keys are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// In the header that is made for it.
    Basic,
    /// In the address, where a host drops that header. They stand in the host's logs then.
    InAddress,
    /// Not at all: each request is signed with them.
    Signed,
    /// The same, with the signature in the address.
    SignedInAddress,
}

/// What the API says of its shop before anybody has shown a key.
#[derive(Deserialize)]
pub(super) struct RootDocument {
    pub home: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub timezone_string: Value,
}

impl Way {
    /// Returns the usual way to a shop: with plain http, WordPress looks at nothing but signatures.
    pub fn usual(shop: &Url) -> Self {
        let root = shop.join("wp-json/").unwrap_or_else(|_| shop.clone());
        let keys = if shop.scheme() == "http" { Keys::Signed } else { Keys::Basic };
        Self { root: Root::Pretty(root), keys }
    }
}

impl Root {
    /// Returns the address of a route, and what must stand first in its query. With plain permalinks the path wakes the
    /// reading of keys, and `rest_route` finds the route; its slashes stay as they are (2.5).
    pub fn route(&self, path: &str) -> (Url, Option<String>) {
        match self {
            Self::Pretty(root) => (joined(root, &format!("wc/v3/{path}")), None),
            Self::Plain(shop) => (joined(shop, &format!("wp-json/wc/v3/{path}")), Some(format!("/wc/v3/{path}"))),
        }
    }

    /// Returns the address of the root document.
    pub fn document(&self) -> Url {
        match self {
            Self::Pretty(root) => root.clone(),
            Self::Plain(shop) => {
                let mut url = shop.clone();
                url.set_query(Some("rest_route=/"));
                url
            }
        }
    }
}

fn joined(root: &Url, path: &str) -> Url {
    let mut url = root.clone();
    url.set_path(&format!("{}{path}", root.path()));
    url
}

impl Keys {
    /// Returns how they are sent next, where the shop did not hear them so.
    pub fn next(self, https: bool) -> Option<Self> {
        match self {
            Self::Basic if https => Some(Self::InAddress),
            Self::Basic | Self::InAddress => Some(Self::Signed),
            Self::Signed => Some(Self::SignedInAddress),
            Self::SignedInAddress => None,
        }
    }

    pub fn are_signed(self) -> bool {
        matches!(self, Self::Signed | Self::SignedInAddress)
    }
}

/// Takes a shop's address as its owner writes it: with or without `https://`, or as copied from its admin.
pub(super) fn address(text: &str) -> std::result::Result<Url, String> {
    let text = text.trim();
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let mut url = Url::parse(&text).map_err(|error| format!("{}: {error}", printable(&text, 100)))?;
    let known_tails = ["/wp-admin", "/wp-json", "/index.php", "/wp-login.php"];
    let path = url.path().to_owned();
    let end = known_tails.iter().filter_map(|tail| path.find(tail)).min().unwrap_or(path.len());
    url.set_path(&format!("{}/", path[..end].trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    let _ = (url.set_username(""), url.set_password(None));
    Ok(url)
}

/// Tells whose account a shop is: its address, however it is written and over whatever it is reached (I1).
pub(super) fn account(shop: &Url) -> Account {
    let host = shop.host_str().unwrap_or_default();
    let port = shop.port().map(|port| format!(":{port}")).unwrap_or_default();
    let identity = format!("{host}{port}{}", shop.path()).trim_end_matches('/').to_owned();
    Account { label: identity.clone(), identity }
}

/// Tells whether an answer shows that the API is not at this address: a page, or a way to another one.
pub(super) fn is_lost(reply: &Reply) -> bool {
    let status = reply.status.as_u16();
    reply.status.is_redirection() || (matches!(status, 200 | 404) && parse(&reply.body).is_none())
}

/// Tells whether an answer shows that no key arrived, or one that is unknown: those two look the same (2.2).
pub(super) fn is_unheard(reply: &Reply) -> bool {
    let Some((answer, _)) = parse(&reply.body).filter(|_| reply.status.as_u16() == 401) else { return false };
    let code = code_of(&answer).unwrap_or_default();
    code.starts_with("woocommerce_rest_cannot_") || matches!(code, "invalid_username" | "rest_not_logged_in")
}

/// Returns the address that a redirect leads to, if it is on another host or scheme.
pub(super) fn leads_elsewhere(reply: &Reply, from: &Url) -> Option<Url> {
    let location = reply.headers.get(LOCATION).filter(|_| reply.status.is_redirection())?;
    let mut url = from.join(location.to_str().ok()?).ok()?;
    url.set_query(None);
    (url.origin() != from.origin()).then_some(url)
}

/// Finds the API in what the shop's page says of it. It must be on the shop's own host: keys go nowhere else.
pub(super) fn root_in(headers: &HeaderMap, shop: &Url, dialled: &Url, operation: &'static str) -> Result<Root> {
    let link = headers.get_all(LINK).iter().filter_map(|link| link.to_str().ok()).find_map(api_link);
    let Some(link) = link.and_then(|link| Url::parse(&link).ok()) else { return Ok(Root::Plain(dialled.clone())) };
    if link.host_str() != shop.host_str() {
        return Err(moved(&link, operation));
    }
    if link.query_pairs().any(|(name, _)| name == "rest_route") {
        return Ok(Root::Plain(dialled.clone()));
    }
    let mut root = dialled.clone();
    root.set_path(&format!("{}/", link.path().trim_end_matches('/')));
    Ok(Root::Pretty(root))
}

/// Finds the address of the API in one `Link` header, which may hold several links.
fn api_link(header: &str) -> Option<String> {
    let links = header.split(',').filter(|link| link.contains("https://api.w.org/"));
    links.filter_map(|link| link.split_once('<')?.1.split_once('>')).map(|(url, _)| url.to_owned()).next()
}

/// Makes the error of a shop that is at another address than its owner wrote.
pub(super) fn moved(to: &Url, operation: &'static str) -> ChannelError {
    let end = to.path().find("/wp-json").unwrap_or(to.path().len());
    let to = format!("{}{}", to.origin().ascii_serialization(), to.path()[..end].trim_end_matches('/'));
    let message = format!("the shop answers from another address: {}", printable(&to, 150));
    ChannelError::new(ErrorKind::Account, Repeat::Never, operation, message)
        .with_next("write that address as `url` in channels.toml; keys are never sent after a redirect")
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves I1
    #[test]
    fn a_shop_is_known_however_it_is_written() {
        for text in [
            "https://Example.org/shop",
            "example.org/shop/",
            "http://example.org/shop/wp-json/wc/v3",
            "https://example.org/shop/wp-admin/admin.php?page=wc-settings",
            " https://someone:word@example.org/shop#top ",
        ] {
            assert_eq!(account(&address(text).unwrap()).identity, "example.org/shop", "{text}");
        }
        assert_eq!(account(&address("http://127.0.0.1:8080").unwrap()).identity, "127.0.0.1:8080");
        assert!(address("https://").is_err());
    }

    fn root(link: &str) -> Result<Root> {
        let shop = address("https://example.org/shop").unwrap();
        let headers = HeaderMap::from_iter([(LINK, link.parse().unwrap())]);
        root_in(&headers, &shop, &shop, "testing")
    }

    #[test]
    fn the_shops_page_tells_where_the_api_is() {
        let pretty = |url: &str| Root::Pretty(url.parse().unwrap());
        let link = "<https://example.org/shop/wp-json/>; rel=\"https://api.w.org/\", <https://example.org/?p=1>; rel=x";
        assert_eq!(root(link).unwrap(), pretty("https://example.org/shop/wp-json/"));
        let plain = Root::Plain("https://example.org/shop/".parse().unwrap());
        assert_eq!(root("<https://example.org/shop/?rest_route=/>; rel=\"https://api.w.org/\"").unwrap(), plain);
        let hidden = root("<http://example.org/shop/api/>; rel=\"https://api.w.org/\"").unwrap();
        assert_eq!(hidden, pretty("https://example.org/shop/api/"), "keys stay on the way that the owner chose");
        assert!(root("<https://elsewhere.org/wp-json/>; rel=\"https://api.w.org/\"").is_err());
    }

    #[test]
    fn plain_permalinks_name_the_route_twice() {
        let plain = Root::Plain("https://example.org/shop/".parse().unwrap());
        let (url, route) = plain.route("products/batch");
        assert_eq!(url.as_str(), "https://example.org/shop/wp-json/wc/v3/products/batch");
        assert_eq!(route.unwrap(), "/wc/v3/products/batch");
        assert_eq!(plain.document().as_str(), "https://example.org/shop/?rest_route=/");
    }
}
