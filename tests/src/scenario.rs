//! The behaviours that are promised with a figure, each staged once: the end-to-end tests assert on what
//! comes of them, `cargo xtask measure` prints it.

mod control_kill;
mod footprint;
mod guest_port;
mod guest_restart;
mod pair;
pub mod two_hosts;
mod vxlan_interop;

pub use control_kill::{ControlKill, kill_control};
pub use footprint::{Footprint, measure_footprint};
pub use guest_port::GuestPort;
pub use guest_restart::{GuestRestarts, restart_guest};
pub use pair::{Circulation, Pair};
pub use vxlan_interop::{Family, LocalSide, Pings, ping_kernel_vtep};
