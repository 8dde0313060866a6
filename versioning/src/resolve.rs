use std::fmt;

use stonework_core::RequestHead;

use crate::{Found, Index, Reader, Select, Source, Version, Versions};

/// The version that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Resolved {
    /// The version that it gets.
    pub index: Index,
    /// Where it was found first.
    pub source: Source,
}

/// Why no version can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// What stands there is no version.
    #[non_exhaustive]
    Malformed {
        /// Where it stands.
        source: Source,
    },
    /// It is a version, and none of these.
    #[non_exhaustive]
    Unsupported {
        /// Where it stands.
        source: Source,
    },
    /// Two places ask for two versions.
    #[non_exhaustive]
    Ambiguous {
        /// The first.
        first: Source,
        /// One that does not agree with it.
        second: Source,
    },
}

impl<V: Version> Versions<V> {
    /// The version that a request asks for, by all of these readers; `None` if none of them finds anything.
    ///
    /// All are looked at, and have to agree: `1` and `1.0` do. A segment of a path, or a part of a package,
    /// that is no version asks for none.
    ///
    /// ```
    /// use stonework_versioning::{Fault, Header, Major, PathSegment, RequestHead, Select, Versions};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let versions = Versions::<Major>::builder().version("1", |v| v).version("2", |v| v).build()?;
    /// let readers = [PathSegment::first().into(), Header::named("api-version").into()];
    ///
    /// let request = http::Request::get("/v1/orders").header("api-version", "2").body(())?;
    /// let resolved = versions.resolve(&readers, &RequestHead::of(&request), Select::Exact);
    /// assert!(matches!(resolved, Err(Fault::Ambiguous { .. })));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When what is found is no version, or none of these, or does not agree.
    pub fn resolve(
        &self,
        readers: &[Reader],
        head: &RequestHead<'_>,
        select: Select,
    ) -> Result<Option<Resolved>, Fault> {
        let (mut first, mut fault) = (None, None);
        for reader in readers {
            reader.each(head, &mut |source, text| match (V::parse(text), &first) {
                (Err(_), _) if may_be_something_else(source) => {}
                (Err(_), _) => drop(fault.get_or_insert(Fault::Malformed { source })),
                (Ok(version), None) => first = Some((version, source)),
                (Ok(version), Some((other, first))) if version != *other => {
                    fault.get_or_insert(Fault::Ambiguous { first: *first, second: source });
                }
                (Ok(_), Some(_)) => {}
            });
        }
        match (fault, first) {
            (Some(fault), _) => Err(fault),
            (None, None) => Ok(None),
            (None, Some((version, source))) => match self.select(&version, select) {
                Found::Served(index) => Ok(Some(Resolved { index, source })),
                Found::Unsupported | Found::Malformed => Err(Fault::Unsupported { source }),
            },
        }
    }
}

/// Any path has a first segment, and any package a last part.
const fn may_be_something_else(source: Source) -> bool {
    matches!(source, Source::Path | Source::GrpcPackage)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { source } => write!(f, "what stands in {source} is no version"),
            Self::Unsupported { source } => write!(f, "the version in {source} is not supported"),
            Self::Ambiguous { first, second } => {
                write!(f, "{first} and {second} ask for different versions")
            }
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GrpcPackage, Header, MajorMinor, MediaType, PathSegment, Query};
    use http::Request;

    fn resolve(request: http::request::Builder) -> Result<Option<(String, Source)>, Fault> {
        let versions = Versions::<MajorMinor>::builder().version("1", |v| v).version("2", |v| v);
        let versions = versions.build().unwrap();
        let readers: [Reader; 5] = [
            PathSegment::first().into(),
            Header::named("api-version").into(),
            Query::named("version").into(),
            MediaType::parameter("v").into(),
            GrpcPackage::last().into(),
        ];
        let request = request.body(()).unwrap();
        let resolved = versions.resolve(&readers, &RequestHead::of(&request), Select::Exact)?;
        Ok(resolved.map(|resolved| (versions.name(resolved.index).to_owned(), resolved.source)))
    }

    #[test]
    fn places_that_agree_are_fine_and_the_first_is_told() {
        let one = |source| Ok(Some(("1.0".to_owned(), source)));
        assert_eq!(resolve(Request::get("/orders")), Ok(None));
        assert_eq!(resolve(Request::get("/v1/orders")), one(Source::Path));
        assert_eq!(
            resolve(Request::get("/v1/orders?version=1.0").header("api-version", "1, v1")),
            one(Source::Path)
        );
        assert_eq!(resolve(Request::get("/orders?version=1")), one(Source::Query));
        assert_eq!(
            resolve(Request::get("/orders").header("accept", "a/b;v=1")),
            one(Source::Accept)
        );
    }

    #[test]
    fn places_that_do_not_agree_are_ambiguous_whoever_is_supported() {
        for (request, first, second) in [
            (Request::get("/v1/orders?version=2"), Source::Path, Source::Query),
            (Request::get("/v1/orders?version=3"), Source::Path, Source::Query),
            (Request::get("/orders").header("api-version", "1,2"), Source::Header, Source::Header),
            (Request::get("/orders?version=1&version=2"), Source::Query, Source::Query),
            (
                Request::get("/").header("accept", "a/b;v=1").header("content-type", "a/b;v=2"),
                Source::ContentType,
                Source::Accept,
            ),
        ] {
            assert_eq!(resolve(request), Err(Fault::Ambiguous { first, second }));
        }
    }

    #[test]
    fn what_is_no_version_is_malformed_but_where_other_things_stand() {
        for path in ["/v01/orders", "/V1/orders", "//v1/orders", "/orders/v1", "/%761/orders"] {
            assert_eq!(resolve(Request::get(path)), Ok(None), "{path}");
        }
        assert_eq!(
            resolve(Request::get("/v9/orders")),
            Err(Fault::Unsupported { source: Source::Path })
        );
        let malformed = |source| Err(Fault::Malformed { source });
        assert_eq!(resolve(Request::get("/v1/orders?version=")), malformed(Source::Query));
        assert_eq!(
            resolve(Request::get("/v1").header("api-version", "latest")),
            malformed(Source::Header)
        );
        assert_eq!(
            resolve(Request::get("/").header("accept", "a/b;v=01")),
            malformed(Source::Accept)
        );
    }
}
