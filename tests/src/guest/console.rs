//! A guest's serial console: commands in, their output and status out.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::wait::wait_for;

/// What the image's init says when the shell is about to start.
pub(super) const READY: &str = "guest-is-ready";

const READ_TIMEOUT: Duration = Duration::from_millis(20);
const INTERRUPT_KEY: &[u8] = b"\x03\n";

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its exit status.
    pub status: i32,
    /// What it wrote to both its outputs.
    pub text: String,
}

/// A connection to a guest's serial console, on which a shell runs.
#[derive(Debug)]
pub struct Console {
    guest: String,
    stream: UnixStream,
    received: String,
    commands: u32,
}

impl Console {
    /// Connects to the Unix socket of a guest that is about to start.
    pub(super) fn connect(guest: &str, socket: &Path) -> Result<Console> {
        let what = format!("the console of guest {guest}");
        let stream = wait_for(&what, Duration::from_secs(20), || UnixStream::connect(socket))?;
        stream.set_read_timeout(Some(READ_TIMEOUT)).context(|| format!("set up {what}"))?;
        Ok(Console { guest: guest.to_owned(), stream, received: String::new(), commands: 0 })
    }

    /// Waits until the guest has booted and its shell takes commands.
    pub(super) fn ready(&mut self, limit: Duration) -> Result<()> {
        self.expect(&format!("guest {} boots", self.guest), limit, |text| text.find(READY))?;
        // The marker of the first answer comes after whatever the terminal echoed until then.
        self.send(b"stty -echo; PS1=; PS2=\n")?;
        self.run("true", limit).map(|_| ())
    }

    /// Runs a shell command; waits until it has ended.
    pub fn run(&mut self, command: &str, limit: Duration) -> Result<Answer> {
        self.commands += 1;
        let end = format!("@@{}\r\n", self.commands);
        self.received.clear();
        // The command as sent does not contain the marker as answered: `$?` stands where digits will.
        self.send(
            format!("{{ {command}\n}} </dev/null 2>&1; echo \"@@$?@@{}\"\n", self.commands).as_bytes(),
        )?;
        let what = format!("guest {}: `{command}` ends", self.guest);
        let outcome = self.expect(&what, limit, |text| marker(text, &end));
        if outcome.is_err() {
            // So that the next command finds the shell at its prompt again.
            self.send(INTERRUPT_KEY)?;
        }
        let at = outcome?;
        let (text, rest) = self.received.split_at(at);
        let status = rest.strip_prefix("@@").and_then(|rest| rest.strip_suffix(end.as_str()));
        let status = status
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| Error::Unexpected { what: what.clone(), found: rest.to_owned() })?;
        Ok(Answer { status, text: text.replace('\r', "") })
    }

    /// Leaves the shell as a person would like to find it.
    pub fn hand_over(&mut self) -> Result<()> {
        let prompt = format!("{}# ", self.guest);
        self.received.clear();
        self.send(format!("stty echo; hostname {}; PS1='{prompt}'\n", self.guest).as_bytes())?;
        // QEMU forgets what it has not taken yet when we hang up, so the guest has the last word.
        let what = format!("guest {} shows a prompt", self.guest);
        self.expect(&what, Duration::from_secs(20), |text| text.find(&prompt)).map(|_| ())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context(|| format!("write to the console of guest {}", self.guest))
    }

    /// Reads until `find` answers where in the text something is.
    fn expect(&mut self, what: &str, limit: Duration, find: impl Fn(&str) -> Option<usize>) -> Result<usize> {
        let mut buffer = [0; 4096];
        wait_for(what, limit, || {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err("its console is closed".to_owned()),
                Ok(count) => {
                    self.received.push_str(&String::from_utf8_lossy(buffer.get(..count).unwrap_or_default()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.to_string()),
            }
            find(&self.received).ok_or_else(|| format!("its console said {:?}", last(&self.received)))
        })
    }
}

/// Where `@@STATUS@@NUMBER` stands, of which `end` is the tail; only at the very end of what was received.
fn marker(text: &str, end: &str) -> Option<usize> {
    let head = text.strip_suffix(end)?;
    let at = head.rfind("@@")?;
    let status = head.get(at + 2..)?;
    (!status.is_empty() && status.bytes().all(|byte| byte.is_ascii_digit())).then_some(at)
}

fn last(text: &str) -> &str {
    const SHOWN: usize = 300;
    let from = text.char_indices().rev().nth(SHOWN).map_or(0, |(at, _)| at);
    text.get(from..).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::marker;

    #[test]
    fn the_marker_is_found_at_the_end_only() {
        assert_eq!(marker("output\r\n@@0@@7\r\n", "@@7\r\n"), Some(8));
        assert_eq!(marker("no newline@@12@@7\r\n", "@@7\r\n"), Some(10));
        assert_eq!(marker("@@0@@7\r\nmore", "@@7\r\n"), None);
    }

    #[test]
    fn the_command_as_echoed_is_no_marker() {
        assert_eq!(marker("# { true\n}; echo \"@@$?@@7\r\n", "@@7\r\n"), None);
        assert_eq!(marker("echo @@@@7\r\n", "@@7\r\n"), None);
    }
}
