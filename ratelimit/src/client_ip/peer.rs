use std::net::{IpAddr, SocketAddr};

use http::Extensions;

/// The address of the one who connects: an extension of the request.
///
/// Servers that know it otherwise than axum and tonic do, such as a plain hyper one, put it there
/// for each request of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // A name; there is nothing to add.
pub struct PeerAddr(pub SocketAddr);

/// In the order that [`ClientIp`](super::ClientIp) documents.
pub(super) fn address(extensions: &Extensions) -> Option<IpAddr> {
    let ours = extensions.get().map(|&PeerAddr(address)| address);
    let address = ours.or_else(|| axum08(extensions)).or_else(|| tonic014(extensions))?;
    Some(address.ip().to_canonical())
}

#[cfg(feature = "axum-0-8")]
fn axum08(extensions: &Extensions) -> Option<SocketAddr> {
    use axum::extract::ConnectInfo;

    extensions.get().map(|&ConnectInfo(address)| address)
}

#[cfg(not(feature = "axum-0-8"))]
const fn axum08(_: &Extensions) -> Option<SocketAddr> {
    None
}

#[cfg(feature = "tonic-0-14")]
fn tonic014(extensions: &Extensions) -> Option<SocketAddr> {
    use tonic::transport::server::TcpConnectInfo;

    extensions.get::<TcpConnectInfo>()?.remote_addr()
}

#[cfg(not(feature = "tonic-0-14"))]
const fn tonic014(_: &Extensions) -> Option<SocketAddr> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 4711))
    }

    #[test]
    fn without_a_peer_there_is_no_address() {
        assert_eq!(address(&Extensions::new()), None);
    }

    #[test]
    fn a_mapped_peer_is_an_ipv4_peer() {
        let mut extensions = Extensions::new();
        extensions.insert(PeerAddr("[::ffff:192.0.2.7]:80".parse().unwrap()));
        assert_eq!(address(&extensions), Some(socket(7).ip()));
    }

    #[cfg(all(feature = "axum-0-8", feature = "tonic-0-14"))]
    #[test]
    fn ours_goes_before_axums_before_tonics() {
        use axum::extract::ConnectInfo;
        use tonic::transport::server::TcpConnectInfo;

        let mut extensions = Extensions::new();
        extensions.insert(TcpConnectInfo { local_addr: None, remote_addr: Some(socket(3)) });
        assert_eq!(address(&extensions), Some(socket(3).ip()));
        extensions.insert(ConnectInfo(socket(2)));
        assert_eq!(address(&extensions), Some(socket(2).ip()));
        extensions.insert(PeerAddr(socket(1)));
        assert_eq!(address(&extensions), Some(socket(1).ip()));
    }
}
