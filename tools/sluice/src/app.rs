//! What every command is given: the client, the printer and a place for remarks.

use std::io::Write;

use crate::client::Client;
use crate::output::Printer;

/// The surroundings of a command.
pub(crate) struct App {
    pub(crate) client: Client,
    pub(crate) out: Printer<Box<dyn Write>>,
    pub(crate) verbose: bool,
}

impl App {
    /// Says something beside the answer, on standard error.
    pub(crate) fn warn(&self, object: &str, message: &str) {
        eprintln!("warning: {object}: {message}");
    }
}
