//! The commands: arguments in, an exit code out.

mod auth;
mod doctor;
mod init;
mod landing;
mod link;
mod rules;
mod status;
mod sync;
mod telling;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::app::Places;
use crate::channel::printable;
use crate::config::{ChannelConfig, Config};
use crate::store::{Lock, LockError};
use crate::ui::{Failure, Look, Ui};

/// How long a one-shot waits for a loop's gap.
const GAP: Duration = Duration::from_secs(30);

/// What a command ends with: an exit code, or why it could not do its work.
type End = Result<u8, Failure>;

#[derive(Parser)]
#[command(name = "eys", version, about, long_about = LONG, max_term_width = 100)]
#[cfg_attr(feature = "sabotage", command(long_version = crate::safeguard::SAID))]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

const LONG: &str = "Keeps the stock of one shop equal on every sales channel, and explains every number.

One channel is the source of stock, the others follow. A sale anywhere is taken off the source once, and every other \
listing shows what is left. Begin with `eys init`, then `eys doctor`, `eys link`, `eys sync --dry-run`.";

#[derive(Args)]
#[command(next_help_heading = "Options everywhere")]
struct Global {
    /// The channels and rules [default: channels.toml in the config folder]
    #[arg(long, global = true, value_name = "FILE", env = "EYS_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// What eys remembers [default: `state` in the config, else state.db in the data folder]
    #[arg(long, global = true, value_name = "FILE", env = "EYS_STATE", hide_env_values = true)]
    state: Option<PathBuf>,
    /// One JSON document on stdout in place of text
    #[arg(long, global = true)]
    json: bool,
    /// Nothing that is not asked for or wrong
    #[arg(long, short, global = true)]
    quiet: bool,
    /// More of what happens, on stderr; twice for every call
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// No colour (so does the variable `NO_COLOR`)
    #[arg(long, global = true)]
    no_color: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Write a commented channels.toml
    Init(init::InitArgs),
    /// Get tokens that need a browser
    Auth {
        /// The channel, as channels.toml names it
        channel: String,
    },
    /// Tie listings to the source by SKU
    Link(link::LinkArgs),
    /// Take sales off the source and let every listing follow
    Sync(sync::SyncArgs),
    /// Show where everything stands, or why one SKU shows what it shows
    Status(status::StatusArgs),
    /// List, try, add and remove rules
    Rules(rules::RulesArgs),
    /// Say what is wrong, why, and what mends it
    Doctor(doctor::DoctorArgs),
    /// Write completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual page
    Man,
}

/// What every command gets.
struct Context {
    places: Places,
    ui: Ui,
    line: String,
}

/// Runs the program; returns its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&args, &error),
    };
    let global = cli.global;
    log_to_stderr(global.verbose);
    let look = Look { json: global.json, quiet: global.quiet, verbose: global.verbose > 0, plain: global.no_color };
    let line: Vec<_> = args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let context = Context { places: Places::new(global.config, global.state), ui: Ui::new(look), line: line.join(" ") };
    let name = cli.command.name();
    let end = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime.block_on(dispatch(&context, cli.command)),
        Err(error) => Err(Failure::Other(format!("the program could not start: {error}"), None)),
    };
    end.unwrap_or_else(|failure| fail(&context, name, &failure))
}

/// Tells a failure; returns its exit code.
fn fail(context: &Context, command: &str, failure: &Failure) -> u8 {
    if context.ui.look.json {
        context.ui.document(command, failure.exit(), failure.json());
    } else {
        let colour = !context.ui.look.plain && std::io::IsTerminal::is_terminal(&std::io::stderr());
        context.ui.complain(&failure.render(colour));
    }
    failure.exit()
}

/// Tells what is wrong with a command line, or what it asked to be told: the help, the version.
fn not_understood(args: &[OsString], error: &clap::Error) -> u8 {
    if !error.use_stderr() || !args.iter().any(|arg| arg == "--json") {
        // Where the screen is gone there is nobody left to tell.
        let _ = error.print();
        return u8::from(error.use_stderr()) * 2;
    }
    let known = Cli::command();
    let words = args.iter().skip(1).filter_map(|arg| arg.to_str());
    let name = words.into_iter().find(|word| known.find_subcommand(word).is_some());
    let text = error.to_string();
    let mut parts = text.split("\n\n").map(|part| printable(part, 300));
    let message = parts.next().unwrap_or_default();
    let tip = parts.find_map(|part| part.strip_prefix("tip: ").map(str::to_owned));
    let help = name.map_or("`eys --help` shows the commands".to_owned(), |name| {
        format!("`eys {name} --help` shows what it takes")
    });
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    let failure = Failure::Usage(message, Some(tip.unwrap_or(help)));
    let ui = Ui::new(Look { json: true, ..Look::default() });
    ui.document(name.unwrap_or("usage"), failure.exit(), failure.json());
    failure.exit()
}

async fn dispatch(context: &Context, command: Command) -> End {
    match command {
        Command::Init(args) => init::init(context, &args),
        Command::Auth { channel } => auth::auth(context, &channel).await,
        Command::Link(args) => link::link(context, &args).await,
        Command::Sync(args) => sync::sync(context, &args).await,
        Command::Status(args) => status::status(context, &args).await,
        Command::Rules(args) => rules::rules(context, &args),
        Command::Doctor(args) => doctor::doctor(context, &args).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "eys", &mut script);
            context.ui.raw(&String::from_utf8_lossy(&script));
            Ok(0)
        }
        Command::Man => man(context),
    }
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Auth { .. } => "auth",
            Self::Link(_) => "link",
            Self::Sync(_) => "sync",
            Self::Status(_) => "status",
            Self::Rules(_) => "rules",
            Self::Doctor(_) => "doctor",
            Self::Completions { .. } => "completions",
            Self::Man => "man",
        }
    }
}

/// Finds a channel that the command line names.
fn named<'a>(config: &'a Config, channel: &str) -> Result<&'a ChannelConfig, Failure> {
    config.channel(channel).ok_or_else(|| {
        let known: Vec<&str> = config.channels.iter().map(|channel| channel.name.as_str()).collect();
        Failure::Usage(
            format!("there is no channel `{channel}`"),
            Some(format!("the channels are {}", known.join(", "))),
        )
    })
}

fn man(context: &Context) -> End {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
    rendered.map_err(|error| Failure::Other(format!("the manual page could not be written: {error}"), None))?;
    context.ui.raw(&String::from_utf8_lossy(&page));
    Ok(0)
}

/// Takes the state's lock, and waits for the gap of a loop.
async fn lock(context: &Context, state: &Path) -> Result<Lock, Failure> {
    let until = tokio::time::Instant::now() + GAP;
    loop {
        match Lock::take(state, &format!("eys {}", context.line), Timestamp::now()) {
            Ok(lock) => return Ok(lock),
            Err(LockError::Held(_)) if tokio::time::Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes the place of the one loop that may run over a state; a second loop is turned away at once.
fn take_loop(context: &Context, state: &Path) -> Result<Lock, Failure> {
    Ok(Lock::take_loop(state, &format!("eys {}", context.line), Timestamp::now())?)
}

/// Listens for the signals that end a run: the first finishes what is in flight, the second leaves at once.
fn stop_on_signals() -> CancellationToken {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let Ok(mut signals) = signal(kind) else { continue };
        let stop = stop.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if stop.is_cancelled() {
                    leave();
                }
                stop.cancel();
            }
        });
    }
    stop
}

#[expect(clippy::exit, reason = "the second signal asks for just this; the journal makes it safe")]
fn leave() -> ! {
    std::process::exit(130)
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "eys=info",
        _ => "eys=debug",
    };
    let subscriber = tracing_subscriber::fmt().with_env_filter(level).with_writer(std::io::stderr).with_target(false);
    // Somebody else may have set a logger, as a test does.
    let _ = subscriber.try_init();
}
