//! The first version: an amount is a number of dollars.

use tonic::{Request, Response, Status};

use crate::generated::v1::payments_server::Payments as Service;
use crate::generated::v1::{Receipt, TransferRequest};
use crate::payments::{Caller, Payments, order};
use crate::refusal::Refusal;

#[tonic::async_trait]
impl Service for Payments {
    async fn transfer(
        &self,
        request: Request<TransferRequest>,
    ) -> Result<Response<Receipt>, Status> {
        let caller = Caller::of(request.extensions())?;
        let receipt = receipt(self, &caller, request.into_inner()).await;
        receipt.map(Response::new).map_err(|refusal| caller.refuse(refusal))
    }
}

async fn receipt(
    payments: &Payments,
    caller: &Caller,
    request: TransferRequest,
) -> Result<Receipt, Refusal> {
    let order = order(request.to, request.amount)?;
    let made = payments.transfer(caller, vec![order]).await?;
    let made = made.into_iter().next().ok_or(Refusal::Interrupted)?;
    Ok(Receipt { id: made.id.to_string(), to: made.to, amount: made.amount, balance: made.balance })
}
