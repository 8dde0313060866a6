//! Looks at the cursors of a request, before anybody reads what they say.

use stonework_core::StoreFuture;

use crate::context::Context;
use crate::rejection::Refusal;
use crate::{CursorError, Direction, Rejection, Verified};

pub(crate) type Checked = Result<Context, Refusal>;

type Verifying = StoreFuture<Result<Verified, CursorError>>;

/// On the spot where no store is asked.
pub(crate) fn check(context: Context) -> StoreFuture<Checked> {
    let Some(cursors) = context.cursors.clone() else { return StoreFuture::ready(Ok(context)) };
    let verify = |token: &Option<String>| {
        token.as_ref().map(|token| cursors.verify(&context.binding, token))
    };
    let (cursor, until) = (verify(&context.asked.cursor), verify(&context.asked.until));
    match (ready(cursor), ready(until)) {
        (Ok(cursor), Ok(until)) => StoreFuture::ready(context.with(cursor, until)),
        (cursor, until) => StoreFuture::new(async move {
            let cursor = settled(cursor).await;
            let until = settled(until).await;
            context.with(cursor, until)
        }),
    }
}

type Outcome = Option<Result<Verified, CursorError>>;

fn ready(verifying: Option<Verifying>) -> Result<Outcome, Verifying> {
    verifying.map(StoreFuture::try_ready).transpose()
}

async fn settled(outcome: Result<Outcome, Verifying>) -> Outcome {
    match outcome {
        Ok(outcome) => outcome,
        Err(verifying) => Some(verifying.await),
    }
}

impl Context {
    fn with(mut self, cursor: Outcome, until: Outcome) -> Checked {
        let direction = self.asked.direction;
        self.cursor = self.accepted(direction, cursor)?;
        self.until = self.accepted(direction.opposite(), until)?;
        // Where there is one parameter for both ways, the cursor has the direction.
        if self.profile.names.before.is_none()
            && let Some(cursor) = &self.cursor
        {
            self.asked.direction = cursor.direction();
        }
        Ok(self)
    }

    fn accepted(
        &self,
        direction: Direction,
        outcome: Outcome,
    ) -> Result<Option<Verified>, Refusal> {
        outcome.transpose().map_err(|error| {
            let rejection = Rejection::of(error.kind());
            crate::trace::refused!(rejection, Some(&error));
            self.refusal(rejection, direction)
        })
    }
}
