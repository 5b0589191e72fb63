//! One family of the two that the library needs for a histogram with native buckets and exemplars.

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model as model;

/// Joins neighbours of one name: the first has the exemplars, the second everything else.
///
/// Families are sorted by name, series by label values.
pub(super) fn join(families: &mut Vec<model::MetricFamily>) {
    families.dedup_by(|second, first| {
        let same = second.name == first.name;
        if same {
            hand_over(&mut first.metric, &mut second.metric);
            std::mem::swap(first, second);
        }
        same
    });
}

/// Every series with exemplars is counted, too: both lists are walked once.
fn hand_over(from: &mut [model::Metric], to: &mut [model::Metric]) {
    let mut counted = to.iter_mut();
    for lender in from {
        let Some(series) = counted.find(|series| series.label == lender.label) else { return };
        let (Some(theirs), Some(ours)) = (&mut lender.histogram, &mut series.histogram) else { continue };
        for (bucket, lent) in ours.bucket.iter_mut().zip(&mut theirs.bucket) {
            // Who keeps the native buckets only reads the exemplars beside them.
            ours.exemplars.extend(lent.exemplar.clone());
            bucket.exemplar = lent.exemplar.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(tier: &str, count: u64, job: Option<&str>) -> model::Metric {
        let label = |name: &str, value: &str| model::LabelPair { name: name.to_owned(), value: value.to_owned() };
        let exemplar =
            job.map(|job| model::Exemplar { label: vec![label("job_id", job)], value: 2.0, timestamp: None });
        let bucket = model::Bucket { upper_bound: 3.0, cumulative_count: count, exemplar, ..Default::default() };
        let exemplars = bucket.exemplar.clone().into_iter().collect();
        let histogram = model::Histogram { sample_count: count, bucket: vec![bucket], exemplars, ..Default::default() };
        model::Metric { label: vec![label("tier", tier)], histogram: Some(histogram), ..Default::default() }
    }

    fn family(name: &str, metric: Vec<model::Metric>) -> model::MetricFamily {
        model::MetricFamily { name: name.to_owned(), metric, ..Default::default() }
    }

    #[test]
    fn each_series_gets_its_own_exemplars_and_keeps_its_counts() {
        let counted = vec![series("a", 7, None), series("b", 8, None), series("c", 9, None)];
        let mut families = vec![
            family("other", vec![series("a", 1, None)]),
            family("wait", vec![series("b", 1, Some("42")), series("c", 1, Some("43"))]),
            family("wait", counted),
            family("wait_more", vec![series("a", 2, None)]),
        ];
        join(&mut families);
        let names: Vec<&str> = families.iter().map(|family| family.name.as_str()).collect();
        assert_eq!(names, ["other", "wait", "wait_more"]);
        let expected = vec![series("a", 7, None), series("b", 8, Some("42")), series("c", 9, Some("43"))];
        assert_eq!(families[1].metric, expected);
    }
}
