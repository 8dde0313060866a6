use prost::Message;
use tonic::{Code, Status};

use crate::{Binding, PageError, Rejection};

impl Binding {
    /// And to this message: what a list method of gRPC is asked for. Clear its page fields first, which differ
    /// from page to page. Feature `tonic-0-14`.
    ///
    /// ```
    /// use stonework_pagination::Binding;
    ///
    /// #[derive(Clone, PartialEq, prost::Message)]
    /// struct ListOrders {
    ///     #[prost(string, tag = "1")]
    ///     filter: String,
    ///     #[prost(int32, tag = "2")]
    ///     page_size: i32,
    ///     #[prost(string, tag = "3")]
    ///     page_token: String,
    /// }
    ///
    /// # fn binding(request: ListOrders) -> Binding {
    /// let asked = ListOrders { page_size: 0, page_token: String::new(), ..request };
    /// Binding::new().message("shop.v1.Orders/ListOrders", &asked).part("account", b"acct_7")
    /// # }
    /// ```
    #[must_use]
    pub fn message(self, method: &str, message: &impl Message) -> Self {
        self.part(method, &message.encode_to_vec())
    }
}

/// `INVALID_ARGUMENT`, as AIP-158 has it, `UNAVAILABLE` or `INTERNAL`. Feature `tonic-0-14`.
impl From<PageError> for Status {
    fn from(error: PageError) -> Self {
        let code = match error.rejection() {
            Rejection::Limit
            | Rejection::Page
            | Rejection::Cursor
            | Rejection::Repeated
            | Rejection::Both => Code::InvalidArgument,
            Rejection::Unavailable => Code::Unavailable,
            Rejection::Misused => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}
