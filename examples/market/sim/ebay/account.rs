//! What stands in the account itself: its preferences by either interface, its limits, and how many calls are left.

use jiff::Timestamp;
use serde_json::json;

use super::quota::next_day;
use super::rest::{Answered, Call, Problem};
use super::trading::Said;
use super::xml::Node;
use super::{Answer, Ebay, forms, json_answer, time};
use crate::sim::World;

/// The program by which listings are kept at 0 (6).
const CONTROL: &str = "OUT_OF_STOCK_CONTROL";

impl Ebay {
    pub(super) fn preferences(&self, request: &Node) -> Said {
        let asked = |name: &str| request.said(name).is_some_and(|said| matches!(said.trim(), "true" | "1"));
        let unpaid = asked("ShowUnpaidItemAssistancePreference").then(|| {
            let days = Node::leaf("DelayBeforeOpeningDispute", self.unpaid_days);
            let relists = Node::leaf("AutoRelist", self.auto_relist);
            Node::of("UnpaidItemAssistancePreferences", [days, Node::leaf("OptInStatus", true), relists])
        });
        let control = asked("ShowOutOfStockControlPreference")
            .then(|| Node::leaf("OutOfStockControlPreference", self.out_of_stock_control));
        Said::fields(unpaid.into_iter().chain(control))
    }

    /// 6: at once, other than by REST.
    pub(super) fn set_preferences(&mut self, request: &Node) -> Said {
        let flag = |path: &str| request.said(path).map(|said| matches!(said.trim(), "true" | "1"));
        if let Some(on) = flag("OutOfStockControlPreference") {
            (self.out_of_stock_control, self.opted_in) = (on, None);
        }
        if let Some(relists) = flag("UnpaidItemAssistancePreferences/AutoRelist") {
            self.auto_relist = relists;
        }
        Said::fields([])
    }

    pub(super) fn user(&self) -> Said {
        let user = [Node::leaf("Site", "US"), Node::leaf("Status", "Confirmed"), Node::leaf("UserID", &self.seller)];
        Said::fields([Node::of("User", user)])
    }

    pub(super) fn programs(&self) -> Answer {
        let policies = json!({ "programType": "SELLING_POLICY_MANAGEMENT" });
        let control = self.out_of_stock_control.then(|| json!({ "programType": CONTROL }));
        let all: Vec<_> = std::iter::once(policies).chain(control).collect();
        json_answer(200, &json!({ "programs": all }))
    }

    pub(super) fn opt(&mut self, world: &World, call: &Call, joins: bool) -> Answered {
        let account = |status: u16, id: i64, words: &str| Problem::new(status, id, "API_ACCOUNT", words);
        match call.body["programType"].as_str() {
            Some(CONTROL) if joins && (self.out_of_stock_control || self.opted_in.is_some()) => {
                Err(account(409, 25803, "programType already exists.").of_category("BUSINESS"))
            }
            Some(CONTROL) if joins => {
                // 6: it may take a day.
                self.opted_in = Some(world.now + self.opt_in_takes);
                self.out_of_stock_control = self.opt_in_takes.is_zero();
                Ok(json_answer(200, &json!({})))
            }
            Some(CONTROL) => {
                (self.out_of_stock_control, self.opted_in) = (false, None);
                Ok(json_answer(200, &json!({})))
            }
            _ => Err(account(400, 20401, "Missing field programType.")),
        }
    }

    /// 2: the limit itself, and not what is left of it.
    pub(super) fn privileges(&self) -> Answer {
        let mut body = json!({ "sellerRegistrationCompleted": true });
        if let Some(most) = self.selling_limit {
            body["sellingLimit"] = json!({ "quantity": most, "amount": { "currency": "USD", "value": "25000.00" } });
        }
        json_answer(200, &body)
    }

    /// 2: Trading's calls share one number, so each of them shows it.
    pub(super) fn rate_limits(&self, now: Timestamp, call: &Call) -> Answer {
        let reset = time(next_day(now));
        let rate = |api: &str| {
            let limit = self.quotas.a_day.get(api).copied().unwrap_or_default();
            json!([{ "count": self.quotas.used(now, api), "limit": limit, "remaining": self.quotas.left(now, api),
                "reset": reset, "timeWindow": 86_400 }])
        };
        let calls = forms::FORMS.iter().map(|(name, _)| json!({ "name": name, "rates": rate("tradingapi") }));
        let trading = json!({ "apiContext": "tradingapi", "apiName": "TradingAPI", "apiVersion": "v1",
            "resources": calls.collect::<Vec<_>>() });
        let sell = ["inventory", "fulfillment", "account"].map(|api| {
            json!({ "apiContext": "sell", "apiName": api, "apiVersion": "v1",
                "resources": [{ "name": format!("sell.{api}"), "rates": rate(api) }] })
        });
        let asked = |key: &str, own: &serde_json::Value| {
            call.said(key).is_none_or(|said| own.as_str().is_some_and(|own| own.eq_ignore_ascii_case(said)))
        };
        let all = std::iter::once(trading).chain(sell);
        let all: Vec<_> =
            all.filter(|api| asked("api_context", &api["apiContext"]) && asked("api_name", &api["apiName"])).collect();
        if all.is_empty() {
            return json_answer(204, &serde_json::Value::Null);
        }
        json_answer(200, &json!({ "rateLimits": all }))
    }
}
