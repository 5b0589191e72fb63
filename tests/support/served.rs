//! What a server shows of a judgement made by hand.

use std::sync::Arc;

use tierwatch::clock::Clock;
use tierwatch::desk::Enquiries;
use tierwatch::model::assessment::Assessment;
use tierwatch::observation::JobId;
use tierwatch::output::Outputs;
use tierwatch::state::Scraped;
use tokio::sync::watch;

use super::fake;

/// The outputs of a desk that has judged so, and knows job 4711 and no other; and where later judgements are put.
pub fn outputs(judged: Assessment) -> (Outputs, watch::Sender<Arc<Assessment>>) {
    let metrics = fake::metrics(judged);
    let (enquiries, mut questions) = Enquiries::channel();
    tokio::spawn(async move {
        while let Some(question) = questions.recv().await {
            let known = question.job() == JobId(4711);
            question.answer(known.then(fake::job));
        }
    });
    let outputs = Outputs {
        registry: Arc::new(metrics.registry),
        assessment: metrics.assessments.subscribe(),
        enquiries,
        clock: Clock::system(),
        scraped: Scraped::default(),
        gitlab: Some("https://gitlab.example.com/".parse().expect("an address")),
    };
    (outputs, metrics.assessments)
}
