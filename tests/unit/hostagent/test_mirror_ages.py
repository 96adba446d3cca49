"""How old the mirror is, as the metric tells it."""

from hostagent.xapi.ages import Ages


def test_the_oldest_of_all_mirrors_counts_until_it_is_kept_no_more() -> None:
    now = [100.0]
    ages = Ages(lambda: now[0])
    assert ages.oldest_s() == 0.0

    ages.told("one")
    now[0] += 30.0
    ages.told("two")
    now[0] += 5.0
    assert ages.oldest_s() == 35.0
    ages.told("one")
    assert ages.oldest_s() == 5.0

    ages.forget("two")
    assert ages.oldest_s() == 0.0
    now[0] += 1.0
    assert ages.oldest_s() == 1.0
