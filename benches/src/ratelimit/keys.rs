use std::net::{IpAddr, Ipv4Addr};

/// A prime, so that each key comes once before any comes again, and far from its neighbours.
const STEP: u64 = 7_368_787;

/// The numbers of the clients that ask, one after the other: the same order for all subjects.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    many: u64,
    next: u64,
}

impl Keys {
    /// So many, over and over.
    pub const fn of(many: u32) -> Self {
        Self { many: many as u64, next: 0 }
    }

    /// Nobody twice.
    pub const fn new_ones() -> Self {
        Self { many: 1 << 32, next: 0 }
    }

    /// Do so many requests come from all of them, again and again?
    pub(super) const fn come_again_within(&self, requests: usize) -> bool {
        self.many <= requests as u64
    }

    /// The same clients, from the middle on.
    #[must_use]
    pub const fn from_the_middle(self) -> Self {
        Self { next: self.many / 2, ..self }
    }
}

impl Iterator for Keys {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let number = self.next.wrapping_mul(STEP) % self.many;
        self.next += 1;
        // Below `many`, which fits.
        Some(number as u32)
    }
}

/// The address of a client.
pub fn address(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(number))
}
