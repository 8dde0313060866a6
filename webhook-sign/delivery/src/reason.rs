//! Why something ended, in words that are stable: stores keep their codes.

use std::fmt;

macro_rules! reasons {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal, $slug:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// One word; stable.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)+ }
            }

            /// As stores keep it: 1 or more; stable.
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The one of this code.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.slug())
            }
        }
    };
}

reasons! {
    /// Why a message is a dead letter.
    DeadReason {
        /// The last attempt of the schedule has failed.
        Exhausted = 1, "exhausted";
        /// The receiver does not want this message: `webhook-delivery: abort-message`.
        Aborted = 2, "aborted";
        /// The receiver does not want any: 410, or `webhook-delivery: disable`.
        Unwanted = 3, "unwanted";
        /// The endpoint is not there any more.
        NoEndpoint = 4, "no-endpoint";
        /// The URL is one that nothing may be sent to.
        Forbidden = 5, "forbidden";
        /// It cannot be written in the endpoint's scheme, or no key is valid.
        NotSigned = 6, "not-signed";
        /// What `Endpoints::find` knows of the endpoint could not be used, until the schedule ended.
        BadEndpoint = 7, "bad-endpoint";
        /// Its attempts were broken off, or died with their workers, too often.
        Interrupted = 8, "interrupted";
        /// The outbox cannot read what it has of it. Its body is there, if it can be queued again.
        Unreadable = 9, "unreadable";
    }
}

reasons! {
    /// Why an endpoint is disabled.
    DisableReason {
        /// Somebody said so.
        Manual = 1, "manual";
        /// It answered 410.
        Gone = 2, "gone";
        /// It answered `webhook-delivery: disable`.
        Asked = 3, "asked";
        /// It has failed for too long.
        Failing = 4, "failing";
    }
}

reasons! {
    /// What went wrong with an attempt, other than its answer.
    Fault {
        /// There was no answer in time.
        Timeout = 1, "timeout";
        /// The address could not be found or reached, or TLS was not agreed on.
        Connect = 2, "connect";
        /// The egress guard refused the address that the name led to.
        Forbidden = 3, "forbidden";
        /// The connection broke, or what came was not HTTP.
        Broken = 4, "broken";
        /// It could not be signed.
        NotSigned = 5, "not-signed";
        /// The endpoint is not there.
        NoEndpoint = 6, "no-endpoint";
        /// The worker was told to end; whether the message arrived is unknown.
        Interrupted = 7, "interrupted";
        /// What `Endpoints::find` knows of the endpoint cannot be used.
        BadEndpoint = 8, "bad-endpoint";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back() {
        for reason in DeadReason::ALL {
            assert_eq!(DeadReason::from_code(reason.code()), Some(*reason));
        }
        for reason in DisableReason::ALL {
            assert_eq!(DisableReason::from_code(reason.code()), Some(*reason));
        }
        for fault in Fault::ALL {
            assert_eq!(Fault::from_code(fault.code()), Some(*fault));
        }
        assert_eq!(Fault::from_code(0), None, "nothing went wrong");
    }
}
