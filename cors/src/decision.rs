use std::fmt;

/// What became of a request. Left in the extensions of its response, if
/// [`extensions`](crate::CorsLayerBuilder::extensions) says so, and told to
/// [`on_decision`](crate::CorsLayerBuilder::on_decision).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It comes from no page of another origin: it has no `Origin`, or the browser says that it is of
    /// the same.
    NotCors,
    /// The page may read the response.
    #[non_exhaustive]
    Allowed {
        /// Was it a preflight? Then it never reached the service.
        preflight: bool,
    },
    /// The page may not read the response.
    Denied(Denial),
}

impl Decision {
    /// Why the page may not read the response, if it may not.
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Denied(denial) => Some(denial.reason),
            Self::NotCors | Self::Allowed { .. } => None,
        }
    }
}

/// Why a page may not read a response, and what was near.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denial {
    /// Why.
    pub reason: Reason,
    /// Was it a preflight? Then it never reached the service.
    pub preflight: bool,
    /// The origin, the method or the name of the header that was not allowed, escaped, and cut off
    /// after 100 characters.
    pub culprit: Option<Box<str>>,
    /// The allowed origin or method that was probably meant.
    pub nearest: Option<Box<str>>,
}

impl Denial {
    /// The allowed origin that was probably meant.
    pub(crate) fn nearest_origin(&self) -> Option<&str> {
        match self.reason {
            Reason::OriginNotAllowed | Reason::OriginMalformed => self.nearest.as_deref(),
            _ => None,
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.slug())?;
        if let Some(culprit) = &self.culprit {
            write!(f, "; is=\"{culprit}\"")?;
        }
        if let Some(nearest) = &self.nearest {
            write!(f, "; nearest=\"{nearest}\"")?;
        }
        Ok(())
    }
}

/// Why a page may not read a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// There is more than one `Origin`.
    OriginRepeated,
    /// The `Origin` is none that a browser sends.
    OriginMalformed,
    /// The `Origin` is `null`.
    OriginNull,
    /// The policy does not allow the origin.
    OriginNotAllowed,
    /// There is more than one `Access-Control-Request-Method`.
    MethodRepeated,
    /// The policy does not allow the method.
    MethodNotAllowed,
    /// The policy does not allow one of the headers.
    HeaderNotAllowed,
    /// More headers are asked for than the policy allows, or empty ones.
    HeadersTooMany,
    /// No policy concerns the request.
    PolicyMissing,
    /// The policy could not be found out.
    PolicyUnavailable,
}

impl Reason {
    /// All of them, for who counts by reason.
    pub const ALL: &'static [Self] = &[
        Self::OriginRepeated,
        Self::OriginMalformed,
        Self::OriginNull,
        Self::OriginNotAllowed,
        Self::MethodRepeated,
        Self::MethodNotAllowed,
        Self::HeaderNotAllowed,
        Self::HeadersTooMany,
        Self::PolicyMissing,
        Self::PolicyUnavailable,
    ];

    /// A short stable name, for labels: `origin-not-allowed`.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::OriginRepeated => "origin-repeated",
            Self::OriginMalformed => "origin-malformed",
            Self::OriginNull => "origin-null",
            Self::OriginNotAllowed => "origin-not-allowed",
            Self::MethodRepeated => "method-repeated",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::HeaderNotAllowed => "header-not-allowed",
            Self::HeadersTooMany => "headers-too-many",
            Self::PolicyMissing => "policy-missing",
            Self::PolicyUnavailable => "policy-unavailable",
        }
    }

    /// What to do about it, for who runs the service.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::OriginRepeated | Self::MethodRepeated => {
                "No browser sends it twice. Look for a proxy that adds it."
            }
            Self::OriginMalformed => {
                "No browser sends this. Whoever wrote the request by hand has to write it as a \
                 browser does: https://host, in lower case, without a slash at the end."
            }
            Self::OriginNull => {
                "The page is in a sandboxed frame, a file, a `data:` URL, or was redirected here. \
                 Serve it from an origin of its own."
            }
            Self::OriginNotAllowed => "Add it to `origins`, if its pages may read your responses.",
            Self::MethodNotAllowed => "Add it to `methods`. Case matters.",
            Self::HeaderNotAllowed => "Add it to `include`.",
            Self::HeadersTooMany => {
                "No browser lists names twice. It was written by hand, or is an attack."
            }
            Self::PolicyMissing => "`policies` knows no policy for this host, path or tenant.",
            Self::PolicyUnavailable => {
                "The store of origins did not answer. Nobody is allowed meanwhile."
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They are counted by their place.
    #[test]
    fn reasons_stand_in_their_order() {
        for (place, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, place);
        }
    }
}
