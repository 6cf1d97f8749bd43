//! Notifications in both directions: virtio 1.2 §2.7.7, §2.7.10.

use std::io::IoSliceMut;
use std::sync::atomic::{Ordering, fence};

use rustix::io::{ReadWriteFlags, preadv2};

use super::{RingFault, SplitRing};
use crate::features::Features;

const NO_INTERRUPT: u16 = 1;
const NO_NOTIFY: u16 = 1;

/// What is known about the guest's wish to be called.
#[derive(Debug, Default)]
pub(super) struct Notify {
    /// The used index up to which the guest was called or did not want to be: with EVENT_IDX.
    announced: u16,
    /// Used buffers were published while the guest's flag said that it polls. It may have cleared the flag just
    /// then, so the flag is looked at once more.
    unsettled: bool,
}

impl Notify {
    pub(super) fn start(&mut self, used_index: u16) {
        *self = Notify { announced: used_index, unsettled: false };
    }
}

impl<const WRITES: bool> SplitRing<WRITES> {
    /// Calls the guest if it asked for that, after used buffers were published.
    ///
    /// Without EVENT_IDX the guest's flag can be read at once: if it wants calls, it gets one. If it polls, it may be
    /// about to stop, and to see that takes a barrier, which waits until every store has reached the guest's core.
    /// That is put off to [`settle`](Self::settle), when the stores have long arrived.
    #[inline(always)]
    pub(super) fn after_publish(&mut self) {
        if self.events.call.is_none() {
            return;
        }
        if self.features.contains(Features::EVENT_IDX) {
            fence(Ordering::SeqCst);
            let (event, new, old) = (self.used_event(), self.used_index, self.notify.announced);
            self.notify.announced = new;
            if needs_event(event, new, old) {
                self.call();
            }
        } else if self.available_flags() & NO_INTERRUPT == 0 {
            self.call();
        } else {
            self.notify.unsettled = true;
        }
    }

    /// Looks again whether the guest wants to be called for what was published last. To be called before every burst
    /// and before going to sleep.
    #[inline(always)]
    pub(crate) fn settle(&mut self) {
        if self.notify.unsettled {
            self.notify.unsettled = false;
            fence(Ordering::SeqCst);
            if self.available_flags() & NO_INTERRUPT == 0 {
                self.call();
            }
        }
    }

    #[cold]
    pub(super) fn call(&self) {
        if let Some(call) = &self.events.call {
            call.signal();
        }
    }

    /// Tells the guest that it need not kick, since the ring is polled.
    pub(crate) fn disable_notifications(&mut self) {
        if self.features.contains(Features::EVENT_IDX) {
            // Never quite never: the guest kicks when its index passes this one, once in 65536 buffers.
            self.set_available_event(self.next().wrapping_sub(1));
        } else {
            self.set_used_flags(NO_NOTIFY);
        }
    }

    /// Asks the guest to kick from now on; true if buffers have come meanwhile, which no kick will tell.
    pub(crate) fn enable_notifications(&mut self) -> Result<bool, RingFault> {
        if let Some(fault) = self.fault() {
            return Err(fault);
        }
        self.settle();
        if self.features.contains(Features::EVENT_IDX) {
            self.set_available_event(self.next());
        } else {
            self.set_used_flags(0);
        }
        fence(Ordering::SeqCst);
        self.more_available()
    }

    /// Takes back a kick that was read.
    pub(crate) fn drain_kick(&self) {
        if let Some(kick) = &self.events.kick {
            let mut count = [0; 8];
            // An empty counter is what is wanted. The descriptor's own flag says nothing: the frontend may clear it.
            let _ = preadv2(kick, &mut [IoSliceMut::new(&mut count)], u64::MAX, ReadWriteFlags::NOWAIT);
        }
    }
}

/// `vring_need_event` of virtio 1.2 §2.7.10.1: whether an index moved over `event` on its way from `old` to `new`.
#[inline(always)]
fn needs_event(event: u16, new: u16, old: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_due_when_the_index_passes_it() {
        assert!(needs_event(5, 6, 5));
        assert!(!needs_event(6, 6, 5));
        assert!(needs_event(65535, 2, 65530));
        assert!(!needs_event(4, 6, 5));
        assert!(!needs_event(5, 5, 5));
    }
}
