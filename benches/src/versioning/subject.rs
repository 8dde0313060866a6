use api_version::{ApiVersionLayer, ApiVersions};
use tower_layer::Layer;

use super::limit::Limit;
use super::ours;
use super::routes::{nested, prefixed, routes};
use super::scenario::Case;
use crate::inner::Inner;
use crate::layered::Server;
use crate::suite::{FLOOR, OURS};

/// Bytes of a response.
pub(super) const RESPONSE: usize = 1024;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// The bare service, or one router, without versions.
    Floor,
    /// Two texts that are compared.
    Limit,
    /// Our layer.
    Stonework,
    /// Our layer, which tells clients nothing.
    Silent,
    /// Axum's `nest`, or `api-version`.
    Peer,
}

impl Name {
    /// All subjects, the floor first.
    pub(super) const ALL: [Self; 5] =
        [Self::Floor, Self::Limit, Self::Stonework, Self::Silent, Self::Peer];

    /// The word for it on a command line.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Floor => FLOOR,
            Self::Limit => "limit",
            Self::Stonework => OURS,
            Self::Silent => "stonework-silent",
            Self::Peer => "peer",
        }
    }

    /// The words for it in a table.
    pub(super) const fn title(self, case: Case) -> &'static str {
        match self {
            Self::Floor if case.dispatches() => "one axum router, without versions",
            Self::Floor => "bare service",
            Self::Limit => "limit: two texts compared, headers put straight in",
            Self::Stonework => "**stonework-versioning**",
            Self::Silent => "**stonework-versioning**, told to tell nothing",
            Self::Peer if matches!(case, Case::PathStripped) => "axum 0.8, `nest`",
            Self::Peer => "api-version 0.4",
        }
    }

    /// Does it have a row in this scenario?
    pub(super) const fn does(self, case: Case) -> bool {
        match self {
            Self::Floor | Self::Stonework => true,
            // It refuses nothing.
            Self::Limit => !matches!(case, Case::Refused),
            // Beside peers that tell nothing.
            Self::Silent => case.dispatches() || matches!(case, Case::PathKept | Case::HeaderRead),
            Self::Peer => {
                case.dispatches()
                    || matches!(case, Case::HeaderRead | Case::Refused | Case::Neutral)
            }
        }
    }

    pub(super) fn server(self, case: Case) -> Server {
        if case.dispatches() { self.over_routers(case) } else { self.over_the_bare_service(case) }
    }

    fn over_the_bare_service(self, case: Case) -> Server {
        let inner = Inner::new(RESPONSE);
        match self {
            Self::Floor => Server::new(inner),
            Self::Limit => Server::new(Limit::new(case, [inner.clone(), inner])),
            Self::Stonework | Self::Silent => Server::new(self.layer(case).layer(inner)),
            Self::Peer => Server::new(peer().layer(inner)),
        }
    }

    fn over_routers(self, case: Case) -> Server {
        // The peer wants a path before the version, so that all have one where it takes part.
        let below = if case == Case::HeaderDispatched { "/api" } else { "" };
        let [first, second] = ["v1", "v2"].map(|version| routes(below, version));
        match self {
            Self::Floor => Server::new(first),
            Self::Limit => Server::new(Limit::new(case, [first, second])),
            Self::Stonework | Self::Silent => {
                let layer = self.layer(case);
                let router = layer.router().at("1", first).at("2", second).build();
                Server::new(layer.layer(router.expect("each version is served")))
            }
            Self::Peer if case == Case::PathStripped => Server::new(nested()),
            Self::Peer => Server::new(peer().layer(prefixed())),
        }
    }

    fn layer(self, case: Case) -> stonework_versioning::VersionLayer {
        ours::layer(case, self == Self::Silent)
    }
}

fn peer() -> ApiVersionLayer<2> {
    const VERSIONS: ApiVersions<2> = ApiVersions::new([1, 2]);
    ApiVersionLayer::new("/api", VERSIONS)
}
