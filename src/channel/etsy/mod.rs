//! Etsy, by its Open API v3.
//!
//! The holder of a number on Etsy is neither a listing nor a variant, but what stands between them: the *quantity group*,
//! all products of a listing that are equal in the properties by which its quantity varies. A listing whose quantity
//! varies by nothing is one group; [`keys`] says what a group is called.
//!
//! Etsy takes no single number. A write replaces the whole inventory of a listing, prices and SKUs included, so that it is
//! read directly before, and sent back with nothing changed but the numbers that are meant ([`inventory`]). And Etsy
//! knows no listing with nothing left: such a one is taken out of sight (Z2).
//!
//! Section numbers are those of the project's collected facts about Etsy.

mod adjusting;
mod api;
mod auth;
mod consent;
mod doctor;
mod errors;
mod inventory;
mod item;
mod keys;
mod limits;
mod orders;
mod reading;
mod renewing;
mod showing;
#[cfg(test)]
mod tests;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use self::api::{Api, Call};
use self::consent::EtsyConsent;
use super::notes::Notes;
use super::registry::{Doors, Key, Kind, Need, Settings, Shape};
use super::{
    Account, Adjustment, Attempt, Beside, Channel, ChannelError, ErrorKind, Mend, Outcome, Page, PageToken, Probe,
    Remark, Repeat, Result, Showing, Standing, Update,
};
use crate::domain::quota::Quota;
use crate::domain::{
    Capability, ChannelName, ExactlyOnce, Listing, ListingKey, OrderFact, OrderWindow, Reading, Role, StoredCall,
    Traces, ZeroKept,
};

const MEET: &str = "asking whose shop this is";

/// The most units that an offering takes (section 3).
const MOST: i64 = 999;

/// The kind, as channels.toml knows it.
pub(super) static KIND: Kind = Kind {
    name: "etsy",
    summary: "an Etsy shop",
    keys: &[
        Key {
            name: "client_id",
            help: "the keystring of your app at etsy.com/developers/your-apps",
            example: "\"…\"",
            shape: Shape::Text,
            need: Need::Always,
        },
        Key {
            name: "client_secret",
            help: "its shared secret, which stands below the keystring",
            example: "{ env = \"ETSY_SECRET\" }",
            shape: Shape::Secret,
            need: Need::Always,
        },
        Key {
            name: "refresh_token",
            help: "only to begin with; `eys auth` gets one",
            example: "{ env = \"ETSY_TOKEN\" }",
            shape: Shape::Secret,
            need: Need::Seldom,
        },
        Key {
            name: "shop_id",
            help: "the number of the shop, to make sure that it is this one",
            example: "12345678",
            shape: Shape::Number,
            need: Need::Seldom,
        },
        Key {
            name: "redirect_uri",
            help: "a callback URL of the app, for `eys auth`",
            example: "\"http://localhost:3003/callback\"",
            shape: Shape::Text,
            need: Need::Seldom,
        },
    ],
    aliases: &[("keystring", "client_id"), ("shared_secret", "client_secret")],
    // To end a listing is to hide it, since nothing else brings it back (section 6).
    zero_stock: &["keep", "hide", "end"],
    check,
    build: |settings, doors| Ok(Box::new(Etsy::new(settings, doors)?)),
    consent: Some(EtsyConsent::prepare),
};

/// Checks what can be told of the key without asking Etsy (section 11).
fn check(settings: &Settings) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    if settings.text("client_id").is_some_and(|key| key.contains(':')) {
        let why = "the keystring alone, without a colon: what stands behind it is the `client_secret`";
        wrong.push(("client_id", why.to_owned()));
    }
    if settings.text("redirect_uri").is_some_and(|uri| url::Url::parse(uri).is_err()) {
        let why = "a whole address, letter for letter as it stands among the callback URLs of the app";
        wrong.push(("redirect_uri", why.to_owned()));
    }
    wrong
}

/// What is noted for the processes to come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    /// The seller of the token, and the number of its shop.
    whose: Option<(u64, i64)>,
    /// The list of all receipts had a cancelled one.
    lists_cancelled: bool,
    /// When cancelled receipts were last asked for by themselves.
    asked_cancelled: Option<Timestamp>,
    /// Listings whose renewal was asked for, and when, until it is told that it was done.
    #[serde(default)]
    renewing: BTreeMap<i64, Timestamp>,
}

/// An Etsy shop.
struct Etsy {
    api: Arc<Api>,
    name: ChannelName,
    role: Role,
    /// The shop that channels.toml names.
    wanted: Option<i64>,
    /// Whether what costs a fee may happen (Z4).
    fees: bool,
    /// The shop's number, looked up once: the token stands for one seller, and a seller has one shop.
    shop: OnceCell<i64>,
    notes: Notes<Noted>,
    /// What writes did beside what was asked for, until it is handed over.
    remarks: Mutex<Vec<Remark>>,
    capability: Capability,
}

impl Etsy {
    fn new(settings: Settings, doors: Doors) -> Result<Self> {
        let (name, role) = (settings.name.clone(), settings.role);
        let (wanted, fees) = (settings.number("shop_id"), settings.fees);
        let notes = Notes::new(name.clone(), Arc::clone(&doors.keeper));
        let api = Arc::new(Api::new(settings, doors)?);
        let (shop, remarks) = (OnceCell::new(), Mutex::default());
        Ok(Self { api, name, role, wanted, fees, shop, notes, remarks, capability: capability() })
    }

    /// Keeps a remark until it is handed over.
    fn remark(&self, remark: Remark) {
        self.kept_remarks().push(remark);
    }

    /// Returns the listings whose renewal is about to be handed over.
    fn renewals_told(&self) -> BTreeSet<i64> {
        let remarks = self.kept_remarks();
        let renewals = remarks.iter().filter(|remark| remark.about == Beside::Renewed);
        renewals.filter_map(|remark| keys::Key::parse(&remark.listing)).map(|key| key.listing).collect()
    }

    fn kept_remarks(&self) -> MutexGuard<'_, Vec<Remark>> {
        self.remarks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the shop.
    async fn shop(&self) -> Result<i64> {
        let look_up = || async {
            let user = self.api.user().await?;
            let noted = self.notes.read().await?.whose.filter(|(noted, _)| Some(*noted) == user);
            let shop = match noted {
                Some((_, shop)) => shop,
                None => self.ask_whose().await?,
            };
            self.notes.change(|noted| noted.whose = user.map(|user| (user, shop))).await?;
            self.is_wanted(shop)
        };
        self.shop.get_or_try_init(look_up).await.copied()
    }

    /// Returns the path of something of the shop.
    async fn in_shop(&self, rest: &str) -> Result<String> {
        Ok(format!("shops/{}/{rest}", self.shop().await?))
    }

    async fn ask_whose(&self) -> Result<i64> {
        let me = self.api.ask(&Call::get(MEET, "users/me")).await?;
        item::number(&me, "shop_id").filter(|shop| 0 < *shop).ok_or_else(|| {
            let words = "the Etsy account that consented has no shop";
            ChannelError::new(ErrorKind::Account, Repeat::Never, MEET, words)
                .with_next(format!("`eys auth {}`, signed in as the owner of the shop", self.name))
        })
    }

    /// Returns the number of a shop, if it is the one that channels.toml names.
    fn is_wanted(&self, shop: i64) -> Result<i64> {
        match self.wanted.filter(|wanted| *wanted != shop) {
            None => Ok(shop),
            Some(wanted) => {
                let words = format!("the consent is for shop {shop}, and channels.toml says `shop_id = {wanted}`");
                let next = format!(
                    "`eys auth {0}`, signed in as the owner of shop {wanted}; or mend `shop_id` of [channels.{0}]",
                    self.name
                );
                Err(ChannelError::new(ErrorKind::Credentials, Repeat::Never, MEET, words).with_next(next))
            }
        }
    }
}

fn capability() -> Capability {
    Capability {
        read_batch: 100,
        reads_singly: false,
        // Each listing costs a call to read and one to write: of more, the last would be written late.
        set_batch: 20,
        // A goal is repeated as a whole: no other listing may ride along (X3).
        adjust_batch: 1,
        compare_and_set: false,
        exactly_once: ExactlyOnce::Goal,
        below_zero: false,
        reads_changes: false,
        cheap_scan: false,
        orders: true,
        tells_restock: false,
        // Nobody has said how old a list of listings may be; readings by key are current.
        lag: SignedDuration::from_mins(1),
        order_delay: SignedDuration::from_mins(1),
        still_running: SignedDuration::from_mins(2),
        // So long that no stamp of a sale, in whole seconds, fits both sides of the write.
        confirm_after: Some(SignedDuration::from_secs(4)),
        revisions: None,
        zero: ZeroKept::Never,
        most: Some(MOST),
        hides: true,
        // There is no other end than deleting it, which is the owner's alone.
        ends: false,
        ended_is_gone: false,
        counts_from_zero: false,
        writes_items: true,
        traces: Traces::Nowhere,
    }
}

#[async_trait]
impl Channel for Etsy {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    fn clock(&self) -> Option<Timestamp> {
        self.api.clock()
    }

    fn quota(&self) -> Option<Quota> {
        self.api.quota()
    }

    fn listing_calls(&self) -> Option<u64> {
        Some(self.reading_calls())
    }

    async fn account(&self) -> Result<Account> {
        let shop = self.shop().await?.to_string();
        Ok(Account { identity: shop.clone(), label: shop })
    }

    async fn listings(&self, page: Option<PageToken>) -> Result<Page<Listing>> {
        self.read_listings(page).await
    }

    async fn changed(&self, _: Timestamp, _: Option<PageToken>) -> Result<Page<Reading>> {
        Err(super::unsupported("reading changed quantities"))
    }

    async fn levels(&self, keys: &[ListingKey]) -> Result<Vec<Reading>> {
        self.telling(self.read_levels(keys)).await
    }

    async fn orders(&self, window: &OrderWindow, page: Option<PageToken>) -> Result<Page<OrderFact>> {
        self.read_orders(window, page).await
    }

    async fn set(&self, batch: &[Update], _: &str) -> Result<Vec<Outcome>> {
        self.telling(self.write_quantities(batch)).await
    }

    async fn prepare(&self, batch: &[Adjustment], key: &str) -> Result<StoredCall> {
        adjusting::prepare(batch, key)
    }

    async fn adjust(&self, call: &StoredCall, attempt: Attempt) -> Result<Vec<Outcome>> {
        self.telling(self.send_adjustment(call, attempt)).await
    }

    async fn standing(&self, key: &ListingKey) -> Result<Option<Standing>> {
        self.stands(key).await
    }

    async fn show(&self, key: &ListingKey, act: &Showing) -> Result<Outcome> {
        self.telling(self.change_visibility(key, act)).await
    }

    fn remarks(&self) -> Vec<Remark> {
        std::mem::take(&mut *self.kept_remarks())
    }

    async fn probe(&self) -> Result<Vec<Probe>> {
        self.examine().await
    }

    async fn mend(&self, _: &Mend) -> Result<Outcome> {
        Ok(Outcome::Gone)
    }
}
