"""The interval that the split is judged by."""

from tests.acceptance.binomial import interval


def test_the_interval_is_exact() -> None:
    """Against tabled quantiles of the binomial distribution: 2.5 % and 97.5 % at n = 100, p = 0.5."""
    assert interval(100, 0.5, 0.95) == (40, 60)


def test_the_interval_of_ten_thousand_is_about_three_and_a_third_standard_deviations_wide() -> None:
    """The normal approximation gives 2000 ± 131.6."""
    assert interval(10_000, 0.2, 0.999) == (1869, 2133)
