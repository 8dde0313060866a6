//! What the service does. Nothing here knows of ids of messages or limits.

use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use quick_xml::escape::escape;

use crate::account::Account;
use crate::envelope::{ADDRESSING, Message, Operation, PAYMENTS};
use crate::fault::{MEDIA_TYPE, envelope};
use crate::ledger::{Ledger, Transfer};
use crate::refusal::Refusal;

pub(crate) async fn call(
    State(ledger): State<Ledger>,
    Extension(account): Extension<Account>,
    Extension(message): Extension<Message>,
) -> Result<impl IntoResponse, Refusal> {
    let body = match message.operation {
        Operation::GetBalance => {
            answer("GetBalance", &format!("<p:balance>{}</p:balance>", ledger.balance(&account)))
        }
        Operation::Transfer { to, amount } => {
            let Transfer { id, balance } = ledger.transfer(&account, amount)?;
            let to = escape(&to);
            let made =
                format!("<p:id>{id}</p:id><p:to>{to}</p:to><p:balance>{balance}</p:balance>");
            answer("Transfer", &made)
        }
    };
    let header = message.id.map(|id| relates_to(&id)).unwrap_or_default();
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], envelope(&header, &body)))
}

fn answer(operation: &str, parts: &str) -> String {
    format!("<p:{operation}Response xmlns:p=\"{PAYMENTS}\">{parts}</p:{operation}Response>")
}

fn relates_to(id: &str) -> String {
    format!("<wsa:RelatesTo xmlns:wsa=\"{ADDRESSING}\">{}</wsa:RelatesTo>", escape(id))
}
