use stonework_core::{Protocol, RequestHead};

use super::Source;

/// The package of a gRPC service, whose last part is its version (AIP-185): `/acme.orders.v1beta2.Orders/Get`.
///
/// Only requests of gRPC and gRPC-web are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrpcPackage;

impl GrpcPackage {
    /// The last part of the package.
    pub const fn last() -> Self {
        Self
    }

    pub(super) fn each(self, head: &RequestHead<'_>, found: &mut dyn FnMut(Source, &[u8])) {
        if !Protocol::of(head.headers).is_grpc() {
            return;
        }
        // `/package.Service/Method`.
        let service = head.uri.path().strip_prefix('/').and_then(|path| path.split('/').next());
        let package =
            service.and_then(|service| service.rsplit_once('.')).map(|(package, _)| package);
        if let Some(last) = package.and_then(|package| package.rsplit('.').next()) {
            found(Source::GrpcPackage, last.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::texts;
    use super::*;
    use http::Request;

    fn read(path: &str, content_type: &str) -> Vec<String> {
        let request = Request::post(path).header("content-type", content_type).body(()).unwrap();
        texts(GrpcPackage::last(), &request)
    }

    #[test]
    fn the_last_part_of_the_package_is_read() {
        for (path, text) in [
            ("/acme.orders.v1beta2.Orders/Get", Some("v1beta2")),
            ("/v1.Orders/Get", Some("v1")),
            ("/acme.Orders/Get", Some("acme")),
            ("/Orders/Get", None),
            ("/", None),
        ] {
            let expected: Vec<_> = text.into_iter().map(str::to_owned).collect();
            assert_eq!(read(path, "application/grpc"), expected, "{path}");
            assert_eq!(read(path, "application/grpc-web+proto"), expected, "{path}");
            assert_eq!(read(path, "application/json"), [""; 0], "{path}");
        }
    }
}
