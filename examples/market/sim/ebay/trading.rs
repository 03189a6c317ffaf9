//! The frame of Trading's calls (1.6): one address for all, the call's name in a header, status 200 whatever happens.

use http::StatusCode;

use super::forms::{is_played, misfit};
use super::quota::Full;
use super::tokens::Shut;
use super::xml::Node;
use super::xsd::Xsd;
use super::{Answer, Ask, Ebay, NAMESPACE, Operation, Trouble, World, header, planned_word, selector, time, told};

/// The schema that answers.
const VERSION: &str = "1451";

/// What goes wrong with a call, or with a part of it.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    code: String,
    words: String,
    /// What the words are about.
    about: Vec<String>,
    warning: bool,
    system: bool,
    /// The request is none that the call takes.
    misfit: bool,
}

/// What a call comes to.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// What it answers.
    pub fields: Vec<Node>,
    /// What went wrong.
    pub faults: Vec<Fault>,
    /// Whether some of it was done.
    pub done: bool,
    /// The records it was about.
    pub items: Option<usize>,
}

pub(super) type Traded = Result<Said, Fault>;

impl Fault {
    pub fn new(code: &str, words: &str) -> Self {
        Self { code: code.into(), words: words.into(), about: Vec::new(), warning: false, system: false, misfit: false }
    }

    pub fn warning(code: &str, words: &str) -> Self {
        Self { warning: true, ..Self::new(code, words) }
    }

    /// A fault of eBay's own, which may be tried again (9).
    fn system(code: &str, words: &str) -> Self {
        Self { system: true, ..Self::new(code, words) }
    }

    /// Names what it is about.
    pub fn about(mut self, what: &str) -> Self {
        self.about.push(what.into());
        self
    }

    pub fn is_warning(&self) -> bool {
        self.warning
    }

    /// A request that cannot be read (9), or does not fit the official schema.
    pub fn unreadable(why: &str) -> Self {
        Self { misfit: true, ..Self::new("5", &format!("XML Parse error: {why}.")) }
    }

    /// A value that will not do.
    pub fn invalid(tag: &str) -> Self {
        Self::new("37", &format!("Input data for tag <{tag}> is invalid or missing.")).about(tag)
    }

    fn to_xml(&self) -> Node {
        let about = self.about.iter().enumerate();
        let about = about.map(|(nth, what)| {
            Node::of("ErrorParameters", [Node::leaf("Value", what)]).with("ParamID", &nth.to_string())
        });
        let short: String = self.words.split(['.', ':']).next().unwrap_or_default().into();
        let severity = if self.warning { "Warning" } else { "Error" };
        let class = if self.system { "SystemError" } else { "RequestError" };
        let first = [
            Node::leaf("ShortMessage", short),
            Node::leaf("LongMessage", &self.words),
            Node::leaf("ErrorCode", &self.code),
            Node::leaf("SeverityCode", severity),
        ];
        Node::of("Errors", first.into_iter().chain(about).chain([Node::leaf("ErrorClassification", class)]))
    }
}

impl Said {
    pub fn fields(fields: impl IntoIterator<Item = Node>) -> Self {
        Self { fields: fields.into_iter().collect(), done: true, ..Self::default() }
    }

    /// 1.6: what the whole call comes to.
    fn ack(&self) -> &'static str {
        match (self.faults.iter().all(Fault::is_warning), self.faults.is_empty(), self.done) {
            (_, true, _) => "Success",
            (true, ..) => "Warning",
            (false, _, true) => "PartialFailure",
            (false, _, false) => "Failure",
        }
    }
}

/// Tells whether a request is for Trading.
pub(super) fn is_for(ask: &Ask) -> bool {
    ask.uri().path() == "/ws/api.dll"
}

fn call_of(ask: &Ask) -> &str {
    header(ask, "x-ebay-api-call-name").unwrap_or_default()
}

/// Tells what a request is about.
pub(super) fn recognise(ask: &Ask) -> Operation {
    let call = call_of(ask);
    let writing = !call.starts_with("Get") && !call.is_empty();
    let body = std::str::from_utf8(ask.body()).ok().and_then(|text| Node::parse(text).ok()).unwrap_or_default();
    let items = match call {
        "ReviseInventoryStatus" => body.all("InventoryStatus").count(),
        "GetItem" | "EndFixedPriceItem" | "RelistFixedPriceItem" => 1,
        _ => 0,
    };
    Operation { name: call.into(), writing, items }
}

/// Answers a call that is one too many (2, 9).
pub(super) fn used_up(ask: &Ask) -> Answer {
    let words = "Your application has exceeded usage limit on this call, please make call to Developer Analytics.";
    respond(ask, &Node::default(), Said { faults: vec![Fault::new("518", words)], ..Said::default() }, "")
}

impl Ebay {
    /// Answers a call of Trading.
    pub(super) fn trade(&mut self, world: &mut World, ask: &Ask, troubles: &[Trouble]) -> Answer {
        let request = std::str::from_utf8(ask.body()).map_err(|why| why.to_string()).and_then(Node::parse);
        let known = request.clone().unwrap_or_default();
        let said = self.gate(world, ask, troubles).and_then(|call| {
            let request = request.map_err(|why| Fault::unreadable(&why))?;
            readable(call, &request)?;
            self.call(world, call, &request, troubles)
        });
        let misfit = said.as_ref().is_err_and(|fault| fault.misfit);
        let said = said.unwrap_or_else(|fault| Said { faults: vec![fault], ..Said::default() });
        let mut answer = respond(ask, &known, said, &time(world.now));
        if misfit {
            // eBay says that with 200 too; here it must not be overlooked, as a program that does so has a fault of its own.
            answer.status = StatusCode::INTERNAL_SERVER_ERROR;
        }
        match Xsd::known().filter(|_| troubles.is_empty()).and_then(|schema| misfit_of(schema, &answer)) {
            Some(wrong) => told(500, "text/plain", format!("the simulated shop answered amiss: {wrong}")),
            None => answer,
        }
    }

    /// Answers what comes before the request is looked at.
    fn gate<'a>(&mut self, world: &World, ask: &'a Ask, troubles: &[Trouble]) -> Result<&'a str, Fault> {
        let call = call_of(ask);
        if ask.method() != http::Method::POST || !is_played(call) {
            return Err(Fault::new("2", &format!("Unsupported API call: the call {call} is invalid.")));
        }
        for name in ["x-ebay-api-compatibility-level", "x-ebay-api-siteid"] {
            let good = header(ask, name).is_some_and(|value| value.parse::<u32>().is_ok());
            // Which number eBay gives for this is not told.
            good.then_some(())
                .ok_or_else(|| Fault::new("5", &format!("The header {name} is missing or no number.")))?;
        }
        // 9: what went wrong with the token stands in the answer, and not in its status.
        let grant =
            self.grant(world.now, header(ask, "x-ebay-api-iaf-token"), troubles).map_err(|shut| match shut {
                Shut::Missing => Fault::new("930", "No XML or auth token: IAF token is missing."),
                Shut::Unknown => Fault::new("21916984", "Invalid IAF token."),
                Shut::Expired => Fault::new("21917053", "Expired IAF token."),
            })?;
        if !grant.of_user {
            return Err(Fault::new("21916984", "Invalid IAF token."));
        }
        self.quotas.take(world.now, "tradingapi", call).map_err(|full| match full {
            Full::Day => Fault::new("518", "Your application has exceeded usage limit on this call."),
            // [?]: nobody tells its number.
            Full::Burst => Fault::new("518", "Your application has called too often in a short time."),
        })?;
        match planned_word(troubles) {
            Some(word @ ("518" | "2")) => Err(Fault::new(word, "Something is amiss, as planned.")),
            Some(word) => Err(Fault::system(word, "Something is amiss, as planned.")),
            None => Ok(call),
        }
    }

    fn call(&mut self, world: &mut World, call: &str, request: &Node, troubles: &[Trouble]) -> Traded {
        match call {
            "GetMyeBaySelling" => self.my_ebay_selling(world, request, troubles),
            "GetSellerEvents" => self.seller_events(world, request, troubles),
            "GetItem" => self.get_item(world, request, troubles),
            "ReviseInventoryStatus" => self.revise(world, request, troubles),
            "EndFixedPriceItem" => self.end_item(world, request, troubles),
            "RelistFixedPriceItem" => self.relist_item(world, request, troubles),
            "GetUserPreferences" => Ok(self.preferences(request)),
            "SetUserPreferences" => Ok(self.set_preferences(request)),
            _ => Ok(self.user()),
        }
    }
}

/// Refuses what cannot be read (1.6): the wrong root, an unknown element, one in the wrong place.
fn readable(call: &str, request: &Node) -> Result<(), Fault> {
    let root = format!("{call}Request");
    if request.name != root || request.attribute("xmlns") != Some(NAMESPACE) {
        return Err(Fault::unreadable(&format!("the root is no {root} of {NAMESPACE}")));
    }
    let official = || Xsd::known().and_then(|schema| schema.misfit(request));
    misfit(call, request).or_else(official).map_or(Ok(()), |why| Err(Fault::unreadable(&why)))
}

fn misfit_of(schema: &Xsd, answer: &Answer) -> Option<String> {
    let text = std::str::from_utf8(&answer.body).ok()?;
    let root = Node::parse(text).ok()?;
    // A call that is not played has no answer of its own.
    if root.name == "Response" { None } else { schema.misfit(&root) }
}

fn respond(ask: &Ask, request: &Node, said: Said, now: &str) -> Answer {
    let echo = request.said("MessageID").map(|id| Node::leaf("CorrelationID", id));
    let stamp = (!now.is_empty()).then(|| Node::leaf("Timestamp", now));
    let ack = Node::leaf("Ack", said.ack());
    let version = [Node::leaf("Version", VERSION), Node::leaf("Build", "E1451_CORE_API_19110890_R1")];
    let known = if is_played(call_of(ask)) { call_of(ask) } else { "" };
    let all = stamp.into_iter().chain([ack]).chain(echo).chain(said.faults.iter().map(Fault::to_xml));
    let root = Node::of(&format!("{known}Response"), all.chain(version).chain(said.fields)).with("xmlns", NAMESPACE);
    let items = said.items;
    Answer { items, ..told(200, "text/xml;charset=utf-8", selector::cut(root, request).document()) }
}
