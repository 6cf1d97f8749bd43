//! `sluice`, the operators' command line.
//!
//! It holds nothing: what is wanted it asks of, and tells, the control process (`control.sock`); what runs it asks
//! of the datapath (`datapath.sock`). Both sockets lie in the runtime directory. One noun stands in one file under
//! `noun/`, the verbs that all nouns share in `verb.rs`, formats in `output.rs`, the apply file in `file.rs`.
#![forbid(unsafe_code)]

use std::io::{self, BufWriter};
use std::process::ExitCode;

use clap::FromArgMatches;
use sluice_api::v1::error::Code;

use crate::app::App;
use crate::cli::{Cli, Noun};
use crate::client::Client;
use crate::error::{Error, Report, ReportCode, exit_code};
use crate::output::{Format, Printer};

mod app;
mod change;
mod cli;
mod client;
mod declare;
mod doctor;
mod error;
mod file;
mod flow_text;
mod generate;
mod noun;
mod observe;
mod output;
mod suggest;
mod value;
mod verb;

fn main() -> ExitCode {
    let parsed = cli::command()
        .try_get_matches_from(std::env::args_os())
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    let format = cli.global.output;
    match start(cli) {
        Ok(code) => exit_code(code),
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => error.report().show(format),
    }
}

fn start(cli: Cli) -> Result<Code, Error> {
    let global = cli.global;
    let mut app = App {
        client: Client::new(global.rundir, global.timeout.into(), global.verbose),
        out: Printer::new(global.output, Box::new(BufWriter::new(io::stdout()))),
        verbose: global.verbose,
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    let code = runtime.block_on(run(cli.noun, &mut app))?;
    app.out.flush()?;
    Ok(code)
}

async fn run(noun: Noun, app: &mut App) -> Result<Code, Error> {
    match noun {
        Noun::Bridge(verb) => verb::run::<sluice_api::v1::Bridge>(verb, app).await,
        Noun::Port(verb) => verb::run::<sluice_api::v1::Port>(verb, app).await,
        Noun::Vtep(verb) => verb::run::<sluice_api::v1::Vtep>(verb, app).await,
        Noun::Network(verb) => verb::run::<sluice_api::v1::Network>(verb, app).await,
        Noun::Nic(verb) => verb::run::<sluice_api::v1::Nic>(verb, app).await,
        Noun::Flow(verb) => noun::flow::run(verb, app).await,
        Noun::Mac(verb) => observe::mac::run(verb, app).await,
        Noun::Neighbour(verb) => observe::neighbour::run(verb, app).await,
        Noun::Worker(verb) => observe::worker::run(verb, app).await,
        Noun::Drops(args) => observe::drops::run(&args, app).await,
        Noun::Status => observe::status::run(app).await,
        Noun::Doctor => doctor::run(app).await,
        Noun::Apply(args) => declare::apply::run(&args, app).await,
        Noun::Diff(args) => declare::diff::run(&args, app).await,
        Noun::Export => declare::export::run(app).await,
        Noun::Completion(args) => generate::completion(&args, cli::command(), app),
        Noun::Man(args) => generate::man(&args, cli::command()),
    }
}

/// Shows help and version as clap does, and errors of the command line in the format that it asks for.
fn misused(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Help to a closed pipe is nobody's loss.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if cli::asked_format(std::env::args()) != Format::Json {
        let _ = error.print();
        return exit_code(Code::Invalid);
    }
    let text = error.render().to_string();
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let hint = "`sluice --help` shows what there is".to_owned();
    let cause = lines.map(str::trim).collect::<Vec<_>>().join("; ");
    Report { code: ReportCode(Code::Invalid), message, cause, hint, ..Report::default() }.show(Format::Json)
}
