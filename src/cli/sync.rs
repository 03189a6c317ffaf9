//! `eys sync`: one run, or a loop of them.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Span};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::telling::tell;
use super::{Context, End, fail, lock, named, stop_on_signals, take_loop};
use crate::app::{self, Purpose};
use crate::config::Config;
use crate::domain::{ChannelName, RunId, Sku};
use crate::engine::{Engine, Options, Progress, Quiet, Release, Report, Trouble};
use crate::store::Store;
use crate::ui::{Bars, Failure, report_json, report_text, sentence, trouble_text};

/// Take sales off the source and let every listing follow
#[derive(Args)]
pub(super) struct SyncArgs {
    /// One run, then stop [this is the default]
    #[arg(long, conflicts_with = "every")]
    once: bool,
    /// Run in a loop at this pace, such as 60s or 5m [default: `every` in channels.toml]
    #[arg(long, value_name = "PACE", num_args = 0..=1, default_missing_value = "")]
    every: Option<String>,
    /// Show what would be done; write to no channel and remember nothing
    #[arg(long)]
    dry_run: bool,
    /// Write to this channel only; orders of all are read and counted [repeat for more]
    #[arg(long, value_name = "CHANNEL")]
    channel: Vec<String>,
    /// Write only listings made of this source SKU [repeat for more]
    #[arg(long, value_name = "SKU")]
    sku: Vec<String>,
    /// Read everything in full, and try again at once what was refused
    #[arg(long)]
    full: bool,
    /// Release what an earlier run, or link, has shown you
    #[arg(long)]
    yes: bool,
    /// Release a hold: h3, CHANNEL, CHANNEL/SKU or CHANNEL/LISTING [repeat for more]
    #[arg(long, value_name = "HOLD")]
    release: Vec<String>,
    /// Take the sales of a channel off the source that were held, or were there before it was linked
    #[arg(long, value_name = "CHANNEL")]
    count_missed: Vec<String>,
    /// Drop the held sales of a channel
    #[arg(long, value_name = "CHANNEL")]
    ignore_missed: Vec<String>,
    /// Put back what the listings showed before a run, and hold them
    #[arg(long, value_name = "RUN", conflicts_with = "every")]
    undo: Option<i64>,
}

pub(super) async fn sync(context: &Context, args: &SyncArgs) -> End {
    let config = context.places.read()?;
    config.check_secrets()?;
    let options = options(context, args, &config)?;
    check_skus(context, &config, &options.skus)?;
    let stop = stop_on_signals();
    match &args.every {
        None => {
            let bars = Arc::new(Bars::default());
            let shows = context.ui.terminal && !context.ui.look.quiet && !context.ui.look.json;
            let progress: Arc<dyn Progress> = if shows { bars.clone() } else { Arc::new(Quiet) };
            let report = once(context, &config, &options, progress, &stop).await;
            bars.clear();
            let report = report?;
            let full = context.ui.terminal || args.dry_run || context.ui.look.verbose;
            show(context, &config, &report, args.dry_run, full);
            Ok(report.exit())
        }
        Some(pace) => watch(context, args, config, pace, &options, &stop).await,
    }
}

fn options(context: &Context, args: &SyncArgs, config: &Config) -> Result<Options, Failure> {
    let channel = |name: &String| named(config, name).map(|channel| channel.name.clone());
    let channels = |names: &[String]| names.iter().map(channel).collect::<Result<Vec<ChannelName>, Failure>>();
    let release = |text: &String| text.parse::<Release>().map_err(|why| Failure::Usage(why, None));
    Ok(Options {
        command: context.line.clone(),
        dry_run: args.dry_run,
        full: args.full,
        yes: args.yes,
        release: args.release.iter().map(release).collect::<Result<_, _>>()?,
        channels: channels(&args.channel)?,
        skus: args.sku.iter().filter_map(|sku| Sku::new(sku)).collect(),
        count_missed: missed(context, config, &args.count_missed)?,
        ignore_missed: missed(context, config, &args.ignore_missed)?,
        undo: args.undo.map(RunId),
    })
}

/// Finds the channels whose held lines are meant: lines outlive their channel, so one that is no longer in channels.toml
/// may be named too.
fn missed(context: &Context, config: &Config, names: &[String]) -> Result<Vec<ChannelName>, Failure> {
    let one = |name: &String| {
        let unknown = match named(config, name) {
            Ok(channel) => return Ok(channel.name.clone()),
            Err(unknown) => unknown,
        };
        let store = Store::snapshot(&context.places.state(Some(config)))?;
        let kept = ChannelName::new(name).map(|name| store.read(|tx| tx.channel(&name))).transpose()?.flatten();
        kept.map(|channel| channel.name).ok_or(unknown)
    };
    names.iter().map(one).collect()
}

/// Looks whether the state knows the SKUs that a run is narrowed to: a slip would otherwise look like "nothing to do".
fn check_skus(context: &Context, config: &Config, skus: &[Sku]) -> Result<(), Failure> {
    if skus.is_empty() {
        return Ok(());
    }
    let store = Store::snapshot(&context.places.state(Some(config)))?;
    for sku in skus {
        let bearing = store.read(|tx| tx.listings_by_sku(sku))?;
        if !bearing.iter().any(|known| config.source().is_some_and(|source| source.name == known.at.channel)) {
            let next = "it must be a SKU of the source, to the letter; `eys link` reads the channels anew".to_owned();
            return Err(Failure::Usage(format!("the source has no SKU `{sku}`"), Some(next)));
        }
    }
    Ok(())
}

async fn once(
    context: &Context,
    config: &Config,
    options: &Options,
    progress: Arc<dyn Progress>,
    stop: &CancellationToken,
) -> Result<Report, Failure> {
    let state = context.places.state(Some(config));
    let lanes = app::lanes(config, &state, purpose(options))?;
    let mut engine = Engine::new(lanes, app::settings(config), app::surroundings(progress));
    if options.dry_run {
        let mut store = Store::snapshot(&state)?;
        return Ok(engine.cycle(&mut store, options, stop).await?);
    }
    let lock = lock(context, &state).await?;
    let mut store = Store::open(&state)?;
    let report = engine.cycle(&mut store, options, stop).await?;
    tell(context, config, &mut store, &report, None).await?;
    drop(lock);
    Ok(report)
}

fn purpose(options: &Options) -> Purpose {
    if options.dry_run { Purpose::Look } else { Purpose::Work }
}

/// Runs in a loop. The config is read again before each cycle; an invalid edit keeps the old one and is told.
async fn watch(
    context: &Context,
    args: &SyncArgs,
    config: Config,
    pace: &str,
    options: &Options,
    stop: &CancellationToken,
) -> End {
    let given = if pace.is_empty() { None } else { Some(self::pace(pace)?) };
    let state = context.places.state(Some(&config));
    let place = if args.dry_run { None } else { Some(take_loop(context, &state)?) };
    let around = app::surroundings(Arc::new(Quiet));
    let mut engine = Engine::new(app::lanes(&config, &state, purpose(options))?, app::settings(&config), around);
    let mut file = Watched::new(config, purpose(options));
    let mut exit = 0;
    let mut first = true;
    while !stop.is_cancelled() {
        let begun = Instant::now();
        if !first {
            file.reload(context, &mut engine)?;
        }
        let options = if first { options.clone() } else { later(options) };
        first = false;
        exit = match cycle(context, args.dry_run, &file, &state, &mut engine, &options, stop).await {
            // A full disk and a locked state pass; until then nothing is half-written, and the loop goes on.
            Err(failure) if failure.passes() => fail(context, "sync", &failure),
            done => done?,
        };
        let next = begun + given.unwrap_or(file.config.every);
        tokio::select! {
            () = sleep_until(next) => {}
            () = stop.cancelled() => {}
        }
    }
    drop(place);
    Ok(exit)
}

/// Makes one cycle of a loop.
async fn cycle(
    context: &Context,
    dry_run: bool,
    file: &Watched,
    state: &Path,
    engine: &mut Engine,
    options: &Options,
    stop: &CancellationToken,
) -> End {
    let held = if dry_run { None } else { Some(lock(context, state).await?) };
    let mut store = if dry_run { Store::snapshot(state)? } else { Store::open(state)? };
    let report = engine.cycle(&mut store, options, stop).await?;
    if !dry_run {
        tell(context, &file.config, &mut store, &report, file.wrong.as_ref()).await?;
    }
    drop((store, held));
    show(context, &file.config, &report, dry_run, dry_run);
    Ok(report.exit())
}

/// channels.toml under a loop's eyes.
struct Watched {
    config: Config,
    purpose: Purpose,
    /// The text that was last looked at, right or wrong.
    text: String,
    /// What is wrong with it, while it is.
    wrong: Option<Trouble>,
}

impl Watched {
    fn new(config: Config, purpose: Purpose) -> Self {
        let text = std::fs::read_to_string(&config.path).unwrap_or_default();
        Self { config, purpose, text, wrong: None }
    }

    /// Takes over a changed file. One that is wrong is complained of once, and the old one is kept.
    fn reload(&mut self, context: &Context, engine: &mut Engine) -> Result<(), Failure> {
        let now = std::fs::read_to_string(&self.config.path).unwrap_or_default();
        if now == self.text {
            return Ok(());
        }
        self.text = now;
        match context.places.read() {
            Ok(new) => {
                let state = context.places.state(Some(&new));
                engine.configure(app::lanes(&new, &state, self.purpose)?, app::settings(&new));
                self.config = new;
                self.wrong = None;
            }
            Err(failure) => {
                let message = "channels.toml was changed and is wrong now; the old one is kept";
                context.ui.complain(&format!("{message}\n{}", failure.render(false)));
                self.wrong = Some(Trouble {
                    code: "config-invalid",
                    channel: None,
                    listing: None,
                    message: message.to_owned(),
                    next: Some("`eys rules list` shows what is wrong with it".to_owned()),
                    waits_for_owner: false,
                });
            }
        }
        Ok(())
    }
}

/// The owner's word counts once: in the cycles after the first nothing is released.
fn later(options: &Options) -> Options {
    Options {
        yes: false,
        full: false,
        release: Vec::new(),
        count_missed: Vec::new(),
        ignore_missed: Vec::new(),
        ..options.clone()
    }
}

fn pace(text: &str) -> Result<Duration, Failure> {
    let span = text.parse::<Span>().ok().and_then(|span| SignedDuration::try_from(span).ok());
    span.and_then(|span| Duration::try_from(span).ok())
        .filter(|pace| *pace >= Duration::from_secs(1))
        .ok_or_else(|| Failure::Usage(format!("`{text}` is no pace"), Some("write it as 60s or 5m".to_owned())))
}

/// Tells a run: in full to a person, in a line to a log, and nothing to a log that wants nothing.
fn show(context: &Context, config: &Config, report: &Report, dry: bool, full: bool) {
    let ui = &context.ui;
    if let Some(path) = &config.log_file {
        log(context, path, report, dry);
    }
    ui.document("sync", report.exit(), report_json(report, dry));
    let silent = ui.look.quiet && report.exit() == 0;
    let full = full || report.exit() != 0 || !report.limits.is_empty();
    if silent {
        return;
    }
    ui.say(&if full { report_text(ui, report, dry) } else { sentence(report, dry) });
}

/// Adds a run to the log file: a line, and a line for each thing to look at.
fn log(context: &Context, path: &Path, report: &Report, dry: bool) {
    let mut lines = vec![format!("{:.0} {}", report.ended, sentence(report, dry))];
    lines.extend(report.troubles.iter().map(|trouble| format!("{:.0}   {}", report.ended, trouble_text(trouble))));
    let file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    if let Err(error) = file.and_then(|mut file| writeln!(file, "{}", lines.join("\n"))) {
        context.ui.complain(&format!("the log {} could not be written: {error}", path.display()));
    }
}
