use super::case::{Case, answered, is_done};
use super::{LONG, Store};
use crate::store::{EndpointState, Enqueued, Extend, Held, Purge, Requeue, Requeued, Settled};

/// An endpoint is removed with all that it has, a part at a time; from the first part on it takes nothing and nothing is
/// sent, and in the end it is as new. Others are left alone.
pub async fn a_purge_removes_an_endpoint(store: &Store) {
    let case = Case::new(store);
    for message in ["acked", "dead", "sending"] {
        case.enqueue(0, message).await;
    }
    let leased = case.claim(3).await;
    let of = |name: &str| {
        let it = leased.iter().find(|leased| leased.lease.id.message().as_str() == name);
        it.expect("it is leased").lease.clone()
    };
    assert!(is_done(case.ack(&of("acked")).await));
    assert!(is_done(case.dead(&of("dead")).await));
    for message in 0..7 {
        case.enqueue_in_order(0, &format!("m{message}"), "order").await;
    }
    case.enqueue(1, "other").await;
    let endpoint = &case.endpoints[0];
    let purge = async || answered(store.purge(Purge::new(endpoint.clone(), 2)).await);
    let (mut parts, mut more) = (0, true);
    while more {
        let purged = purge().await;
        assert!(purged.removed <= 2, "no more than was said: {purged:?}");
        parts += 1;
        assert!(parts <= 10, "it comes to an end");
        more = purged.more;
        if more {
            let leased = case.claim(100).await;
            assert!(leased.iter().all(|leased| leased.lease.id.endpoint() != endpoint));
            let refused = case.enqueue_as(case.new_message(0, "new")).await;
            assert_eq!(refused, Enqueued::Disabled, "it is not there any more");
            assert_eq!(case.list(1).await.len(), 1, "others are left alone");
        }
    }
    assert!(parts >= 2, "a part at a time");
    assert_eq!(case.list(0).await, []);
    assert_eq!(answered(store.endpoint(endpoint.clone()).await), EndpointState::default());
    assert_eq!(case.ack(&of("sending")).await, Settled::Lost, "it is nobody's any more");
    assert_eq!(answered(store.extend(Extend::new(of("sending"), LONG)).await), Held::Lost);
    let requeue = answered(store.requeue(Requeue::new(case.id(0, "dead"))).await);
    assert_eq!(requeue, Requeued::NotFound);
    let none = purge().await;
    assert_eq!((none.removed, none.more), (0, false), "there is nothing");
    // And as new it goes on.
    case.enqueue_in_order(0, "m3", "order").await;
    let leased = case.claim_one(LONG).await;
    assert_eq!((leased.lease.id, leased.tries), (case.id(0, "m3"), 1));
    case.end().await;
}
