//! Linux guests: a Debian kernel and a busybox in QEMU, on a vhost-user socket, with a console that takes
//! commands.

mod console;
mod image;
mod qemu;

pub use console::{Answer, Console};
pub use image::Image;
pub use qemu::{Guest, GuestNic, SocketOwner};
