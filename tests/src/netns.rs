//! Network namespaces and the veth pairs that join them.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::error::{Context, Error, Result};
use crate::process::{Launch, Process};
use crate::stage::Stage;
use crate::wait::wait_for;

/// A network namespace. It has no name in `/run/netns` unless [published](Namespace::publish): it lives as
/// long as the process that holds it, so that nothing is left over whatever happens to us.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    holder: Process,
}

impl Namespace {
    /// A namespace with its loopback up and IPv6 off: a silent one, in which only what is told to speaks.
    pub fn new(stage: &Stage, name: &str) -> Result<Namespace> {
        let ours = fs::read_link("/proc/self/ns/net").context(|| "read /proc/self/ns/net".to_owned())?;
        let holder = Launch::line("unshare --net -- sleep infinity")
            .start(&format!("namespace {name}"), &stage.log(&format!("namespace-{name}")))?;
        let mut namespace = Namespace { name: name.to_owned(), holder };
        let path = namespace.path();
        wait_for(&format!("namespace {name}"), Duration::from_secs(10), || {
            namespace.holder.check().map_err(|error| error.to_string())?;
            match fs::read_link(&path) {
                // Until setpriv has executed unshare, the process is still in our namespace.
                Ok(link) if link != ours => Ok(()),
                Ok(_) => Err("it is still ours".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        })?;
        namespace.ip("link set lo up")?;
        namespace.ipv6(false)?;
        Ok(namespace)
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that stands for it.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.holder.pid()))
    }

    /// Runs `ip ARGS` in it, with arguments separated by blanks.
    pub fn ip(&self, args: &str) -> Result<String> {
        Launch::line(&format!("ip {args}")).within(self).run()
    }

    /// Switches IPv6 on or off for the interfaces it has and will have, without duplicate address detection.
    pub fn ipv6(&self, on: bool) -> Result<()> {
        let off = if on { "0" } else { "1" };
        self.enter(|| {
            for of in ["all", "default"] {
                let conf = format!("/proc/sys/net/ipv6/conf/{of}");
                fs::write(format!("{conf}/accept_dad"), "0").context(|| format!("write to {conf}"))?;
                fs::write(format!("{conf}/disable_ipv6"), off).context(|| format!("write to {conf}"))?;
            }
            Ok(())
        })
    }

    /// Runs `work` on a thread in this namespace: sockets that it opens belong to it.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let path = self.path();
        let enter = move || {
            let file = File::open(&path).context(|| format!("open {}", path.display()))?;
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                .context(|| format!("enter the namespace {}", path.display()))?;
            work()
        };
        thread::scope(|scope| scope.spawn(enter).join()).map_err(|_| Error::Unexpected {
            what: format!("work in namespace {}", self.name),
            found: "a panic".to_owned(),
        })?
    }

    /// Gives it a name for `ip netns exec NAME`, until the answer is dropped.
    pub fn publish(&self, name: &str) -> Result<PublishedName> {
        Launch::line(&format!("ip netns attach {name} {}", self.holder.pid())).run()?;
        Ok(PublishedName { name: name.to_owned() })
    }
}

/// A namespace's name in `/run/netns`, removed on drop.
#[derive(Debug)]
pub struct PublishedName {
    name: String,
}

impl Drop for PublishedName {
    fn drop(&mut self) {
        // Nothing is to be done about a failure, and the name alone does no harm.
        let _ = Launch::line(&format!("ip netns delete {}", self.name)).run();
    }
}

/// One end of a cable: an interface to be made in a namespace.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Where.
    pub namespace: &'a Namespace,
    /// The interface's name.
    pub interface: &'a str,
}

/// Joins two namespaces with a veth pair of that MTU, both ends up. It goes when either namespace does.
///
/// Offloads are off: a frame the kernel sends has its checksums filled in and is no longer than the MTU, as on a
/// wire. (AF_PACKET readers would otherwise see half a checksum.)
pub fn join(a: End<'_>, b: End<'_>, mtu: u32) -> Result<()> {
    let (near, far) = (a.interface, b.interface);
    let holder = b.namespace.holder.pid();
    a.namespace
        .ip(&format!("link add {near} mtu {mtu} type veth peer name {far} mtu {mtu} netns {holder}"))?;
    for End { namespace, interface } in [a, b] {
        Launch::line(&format!("ethtool -K {interface} tx off tso off gso off gro off"))
            .within(namespace)
            .run()?;
        namespace.ip(&format!("link set {interface} up"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
