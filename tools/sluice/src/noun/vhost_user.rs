//! A guest's vhost-user socket, which ports and NICs share.

use std::str::FromStr;

use serde_json::{Map, Value};
use sluice_api::v1::VhostUser;
use sluice_api::v1::vhost_user::Role;

use super::Writer;
use crate::error::Error;
use crate::file::Fields;
use crate::value::{QueuePairs, SocketPath, ValueError};

/// Options about the socket.
#[derive(Debug, clap::Args)]
pub(crate) struct VhostUserOptions {
    /// A guest's NIC by vhost-user on this Unix socket (an absolute path)
    #[arg(long, value_name = "PATH")]
    pub(crate) vhost_user: Option<SocketPath>,
    /// Sluice listens on the socket and the guest connects [default: Sluice connects, and again after a loss]
    #[arg(long, conflicts_with = "client")]
    server: bool,
    /// Sluice connects to the socket, and again after a loss; the guest listens (QEMU: server=on) [default]
    #[arg(long)]
    client: bool,
}

impl VhostUserOptions {
    /// Any of them is given.
    pub(crate) fn given(&self) -> bool {
        self.vhost_user.is_some() || self.server || self.client
    }

    /// Takes over what is given. Without a path there must be a socket already.
    pub(crate) fn change(&self, socket: &mut Option<VhostUser>, object: &str) -> Result<(), Error> {
        if !self.given() {
            return Ok(());
        }
        if socket.is_none() && self.vhost_user.is_none() {
            return Err(Error::usage(object, "has no vhost-user socket", "name it with --vhost-user PATH"));
        }
        let socket = socket.get_or_insert_default();
        if let Some(path) = &self.vhost_user {
            socket.path = path.as_ref().to_owned();
        }
        if self.server {
            socket.set_role(Role::Server);
        }
        if self.client {
            socket.set_role(Role::Client);
        }
        Ok(())
    }
}

/// Who listens, as files say it.
struct RoleName(Role);

impl FromStr for RoleName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "client" => Ok(Self(Role::Client)),
            "server" => Ok(Self(Role::Server)),
            _ => {
                Err(ValueError::new(text, "a role: give client (Sluice connects) or server (Sluice listens)"))
            }
        }
    }
}

/// The role as it is written.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

/// Reads the mapping `vhost_user` of a file.
pub(crate) fn read(fields: &mut Fields<'_>) -> Option<VhostUser> {
    let path = fields.required::<SocketPath>("path");
    let role = fields.optional("role").map_or(Role::Client, |RoleName(role)| role);
    let queue_pairs = fields.optional("queue_pairs").map_or(0, QueuePairs::value);
    Some(VhostUser { path: path?.into(), role: role.into(), queue_pairs })
}

/// Writes it as [`read`] takes it.
pub(crate) fn write(socket: &VhostUser) -> Map<String, Value> {
    Writer::default()
        .text("path", &socket.path)
        .text("role", if socket.role() == Role::Server { "server" } else { "" })
        .number("queue_pairs", socket.queue_pairs)
        .done()
}
