use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use stonework_core::StoneBody;
use tower::ServiceExt;
use tower_layer::Layer;

use crate::CorsLayer;

impl CorsLayer {
    /// Puts the layer around a whole router. Feature `axum-0-8`.
    ///
    /// `Router::layer` concerns the routes that were added before it, and each of them by itself: a
    /// preflight for a path without a route, or one that was added later, would be answered 404 or 405
    /// without a word of CORS, and the browser would say that a header is missing. Also, axum adds `Allow`
    /// to what is answered in a route's place, and so tells who is denied which methods there are. This has
    /// no order, leaves no route out, and is left alone by the router. Nor is the response's body boxed once
    /// more, as `Router::layer` does with any body that is not axum's own.
    ///
    /// ```
    /// use axum::{Router, routing::put};
    /// use stonework_cors::CorsLayer;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cors = CorsLayer::builder().origins(["https://app.example.com"]).methods(["PUT"]).build()?;
    /// let app: Router = Router::new().route("/orders/{id}", put(|| async { "stored" }));
    /// let app = cors.around(app);
    /// # Ok(())
    /// # }
    /// ```
    pub fn around(&self, router: Router) -> Router {
        let layered = self.layer(router);
        let layered = ServiceExt::<Request<Body>>::map_response(layered, unwrapped);
        Router::new().fallback_service(layered)
    }
}

/// With axum's own body where that is all there is: it would box any other.
fn unwrapped(response: Response<StoneBody<Body>>) -> Response<Body> {
    response.map(|body| body.try_into_inner().unwrap_or_else(Body::new))
}
