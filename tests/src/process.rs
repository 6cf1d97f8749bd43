//! Processes: started with captured output, killed with their group when dropped, and never left over.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::{Context, Error, Result};
use crate::interrupt;
use crate::netns::Namespace;
use crate::wait::wait_for;

const TAIL_LINES: usize = 40;

const ATTENTION: Duration = Duration::from_millis(100);

/// A command line to be run in a namespace or not, to its end or not.
#[derive(Clone, Debug)]
pub struct Launch {
    words: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    namespace: Option<PathBuf>,
    directory: Option<PathBuf>,
}

impl Launch {
    /// A command of `program`, searched in PATH if it has no slash.
    pub fn new(program: impl AsRef<OsStr>) -> Launch {
        Launch {
            words: vec![program.as_ref().to_owned()],
            envs: Vec::new(),
            namespace: None,
            directory: None,
        }
    }

    /// A command from one line of words that need no quoting.
    pub fn line(line: &str) -> Launch {
        let mut words = line.split_whitespace();
        Launch::new(words.next().unwrap_or_default()).args(words)
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Launch {
        self.words.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Launch {
        self.words.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Lets another program run it: one line of words that takes a command line as its arguments.
    pub fn under(mut self, line: &str) -> Launch {
        self.words.splice(0..0, line.split_whitespace().map(OsString::from));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Launch {
        self.envs.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs it in that network namespace.
    pub fn within(mut self, namespace: &Namespace) -> Launch {
        self.namespace = Some(namespace.path());
        self
    }

    /// Runs it in that directory.
    pub fn within_directory(mut self, directory: impl Into<PathBuf>) -> Launch {
        self.directory = Some(directory.into());
        self
    }

    /// Runs it to its end; fails if it does not end with status 0.
    pub fn run(&self) -> Result<String> {
        let output = self.output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        let output_text = text + &String::from_utf8_lossy(&output.stderr);
        Err(Error::Failed { command: self.to_string(), status: output.status, output: output_text })
    }

    /// Runs it to its end, whatever its status.
    pub fn output(&self) -> Result<Output> {
        let child = self.spawn(Stdio::null(), Stdio::piped(), Stdio::piped())?;
        child.wait_with_output().context(|| format!("run {self}"))
    }

    /// Runs it to its end with our own outputs; fails if it does not end with status 0.
    pub fn show(&self) -> Result<()> {
        let child = self.spawn(Stdio::null(), Stdio::inherit(), Stdio::inherit())?;
        self.attend(child, || ())
    }

    /// As [`show`](Launch::show), but hands every line of its standard output to `on_line`.
    pub fn follow(&self, mut on_line: impl FnMut(&str)) -> Result<()> {
        let mut child = self.spawn(Stdio::null(), Stdio::piped(), Stdio::inherit())?;
        let (sender, lines) = mpsc::channel();
        let reader = child.stdout.take().map(|stdout| {
            thread::spawn(move || {
                let lines = BufReader::new(stdout).split(b'\n').map_while(io::Result::ok);
                lines.for_each(|line| drop(sender.send(String::from_utf8_lossy(&line).into_owned())));
            })
        });
        let outcome = self.attend(child, || lines.try_iter().for_each(|line| on_line(&line)));
        if outcome.is_ok() || !matches!(outcome, Err(Error::Interrupted)) {
            // Whatever it started has ended, too, once nobody can write any more.
            reader.map(thread::JoinHandle::join);
            lines.try_iter().for_each(|line| on_line(&line));
        }
        outcome
    }

    /// Waits for the end of a child, which is killed if we are interrupted; does `meanwhile` now and then.
    fn attend(&self, child: Child, mut meanwhile: impl FnMut()) -> Result<()> {
        let mut process = Process { name: self.to_string(), child, log: PathBuf::new() };
        let status = loop {
            interrupt::check()?;
            meanwhile();
            match process.wait(ATTENTION) {
                Err(Error::Timeout { .. }) => {}
                outcome => break outcome?,
            }
        };
        if status.success() {
            return Ok(());
        }
        Err(Error::Failed { command: self.to_string(), status, output: "(shown above)".to_owned() })
    }

    /// Starts it; it runs until the [`Process`] is dropped. Both its outputs go to `log`.
    pub fn start(&self, name: &str, log: &Path) -> Result<Process> {
        self.start_with(name, log, Stdio::null())
    }

    /// As [`start`](Launch::start), with its standard input to be written to.
    pub fn start_with_stdin(&self, name: &str, log: &Path) -> Result<Process> {
        self.start_with(name, log, Stdio::piped())
    }

    fn start_with(&self, name: &str, log: &Path, stdin: Stdio) -> Result<Process> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .context(|| format!("open the log {}", log.display()))?;
        let second = file.try_clone().context(|| "duplicate a descriptor".to_owned())?;
        let child = self.spawn(stdin, file.into(), second.into())?;
        Ok(Process { name: name.to_owned(), child, log: log.to_owned() })
    }

    fn spawn(&self, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Result<Child> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        if let Some(path) = &self.namespace {
            let mut net = OsString::from("--net=");
            net.push(path);
            command.arg("nsenter").arg(net).arg("--");
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.args(&self.words).envs(self.envs.iter().map(|(name, value)| (name, value)));
        command.stdin(stdin).stdout(stdout).stderr(stderr).process_group(0);
        spawn_for_life(command).context(|| format!("start {self}"))
    }
}

impl std::fmt::Display for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, word) in self.words.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{}", word.display())?;
        }
        Ok(())
    }
}

/// A running process. Dropped, it and its process group are killed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, which is also its group's.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last lines of its output.
    pub fn tail(&self) -> String {
        let text =
            fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let skip = text.lines().count().saturating_sub(TAIL_LINES);
        text.lines().skip(skip).collect::<Vec<_>>().join("\n")
    }

    /// Its standard input, once, if it was started with one.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Fails if it has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait().context(|| format!("look after {}", self.name))? {
            None => Ok(()),
            Some(status) => Err(Error::Ended { name: self.name.clone(), status, tail: self.tail() }),
        }
    }

    /// Waits until it has ended.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("{} ends", self.name);
        let child = &mut self.child;
        wait_for(&what, limit, || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it runs".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Sends SIGTERM and waits for its end.
    pub fn stop(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM);
        self.wait(limit)
    }

    /// Kills it with SIGKILL and waits for its end.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        // Cannot fail but for a child that was waited for already.
        let _ = self.child.wait();
    }

    /// Sends a signal to its group, as long as it has not been waited for.
    pub fn signal(&mut self, signal: Signal) {
        if matches!(self.child.try_wait(), Ok(None))
            && let Ok(id) = i32::try_from(self.child.id())
            && let Some(group) = Pid::from_raw(id)
        {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

type Request = (Command, Sender<io::Result<Child>>);

/// Spawns from a thread that lives as long as this process: the kernel sends the death signal when the *thread*
/// that forked ends, and a test's thread ends before what it staged is dropped by others.
fn spawn_for_life(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Sender<Request>> = OnceLock::new();
    let gone = || io::Error::other("the spawning thread has ended");
    let spawner = SPAWNER.get_or_init(|| {
        let (requests, inbox) = mpsc::channel::<Request>();
        thread::spawn(move || {
            for (mut command, reply) in inbox {
                // A requester that does not wait for its child is gone itself.
                let _ = reply.send(command.spawn());
            }
        });
        requests
    });
    let (reply, answer) = mpsc::channel();
    spawner.send((command, reply)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

#[cfg(test)]
mod tests;
