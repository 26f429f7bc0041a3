//! *Stop all runs*: what it ends, and what it leaves alone.

use agent_proto::{StopOrder, sign_stop};

use super::*;

#[tokio::test]
async fn stop_kills_what_runs_and_refuses_what_was_made_before() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let sleep = approved(job(1, command(&["sh", "-c", "trap '' TERM; echo begun; sleep 60 & wait; sleep 60"])), 2);
    let Verdict::Start(sleep, stop) = jobs.take(&signed(&sleep), NOW, NOW) else { panic!("not started") };
    let running = tokio::spawn(execute(jobs.dir.clone(), sleep, None, hands(), stop));
    let order = StopOrder { stop_epoch: 3, at_us: NOW };
    jobs.stop(&sign_stop(order, &key(9)));
    assert_eq!(jobs.stop_epoch, 0, "not the server's signature");
    jobs.stop(&sign_stop(order, &key(1)));
    jobs.stop(&sign_stop(order, &key(1)));
    assert!(jobs.running.contains_key(&[1; 16]), "it runs until its result is here");
    let result = running.await.unwrap();
    assert_eq!(result.state, JobState::Stopped, "{}", result.reason);
    check(&mut jobs, &signed(&machine.touch(2)), (NOW, NOW), JobState::Refused, "stopped");
    let mut jobs = machine.jobs();
    check(&mut jobs, &signed(&machine.touch(3)), (NOW, NOW), JobState::Refused, "stopped");
    let next = Job { stop_epoch: 3, ..machine.touch(4) };
    assert_eq!(run(&mut jobs, &next).await.state, JobState::Done);
}

#[tokio::test]
async fn an_old_stop_order_and_an_old_epoch_stop_nothing_that_was_made_after_them() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let begin = |jobs: &mut Jobs, id, stop_epoch| {
        let job = Job { stop_epoch, ..machine.touch(id) };
        let Verdict::Start(_, stop) = jobs.take(&signed(&job), NOW, NOW) else { panic!("not started") };
        stop
    };
    let (mut before, mut after) = (begin(&mut jobs, 1, 2), begin(&mut jobs, 2, 3));
    let order = |stop_epoch| sign_stop(StopOrder { stop_epoch, at_us: NOW }, &key(1));
    jobs.stop(&order(1));
    jobs.told_epoch(2);
    assert!(before.try_recv().is_err(), "it was made after");
    jobs.stop(&order(3));
    assert_eq!(before.try_recv(), Ok(()));
    jobs.stop(&order(3));
    assert!(after.try_recv().is_err(), "it was made after");
}

#[tokio::test]
async fn a_run_whose_epoch_is_over_when_the_server_greets_is_stopped() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    let sleep = approved(job(1, command(&["sleep", "60"])), 2);
    let Verdict::Start(sleep, stop) = jobs.take(&signed(&sleep), NOW, NOW) else { panic!("not started") };
    let running = tokio::spawn(execute(jobs.dir.clone(), sleep, None, hands(), stop));
    jobs.told_epoch(1);
    assert_eq!(running.await.unwrap().state, JobState::Stopped);
}

#[test]
fn an_epoch_that_nobody_signed_counts_only_as_long_as_it_is_told() {
    let machine = Machine::new();
    let mut jobs = machine.jobs();
    jobs.told_epoch(9);
    check(&mut jobs, &signed(&machine.touch(1)), (NOW, NOW), JobState::Refused, "stopped");
    jobs.told_epoch(0);
    assert!(matches!(jobs.take(&signed(&machine.touch(2)), NOW, NOW), Verdict::Start(..)));
    assert!(!machine.dir.path().join("stop_epoch").exists());
}
