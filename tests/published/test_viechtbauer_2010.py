"""Viechtbauer W (2010). Conducting meta-analyses in R with the metafor package.

Journal of Statistical Software 36(3):1-48, doi:10.18637/jss.v036.i03. Relative risks of
tuberculosis with and without BCG vaccine, 13 trials. Pages as cited at each test.
Read: the article itself, which metafor's package carries as its vignette.
"""

from __future__ import annotations

import numpy as np
from printed import as_printed, bcg
from scipy import stats

import comorbid as cb


def random_effects(**settings: str) -> cb.Fit:
    return cb.pool(bcg("RR"), **{"method": "REML", "test": "z", **settings})  # type: ignore[arg-type]


def with_latitude_and_year() -> cb.Regression:
    return cb.regress(bcg("RR"), "~ ablat + year", test="z")


def test_effects() -> None:
    """Page 10: the log relative risks and their variances, to eight and nine decimals."""
    effects = bcg("RR")
    assert effects.yi == as_printed(
        "-0.88931133 -1.58538866 -1.34807315 -1.44155119 -0.21754732 -0.78611559 -1.62089822 "
        "0.01195233 -0.46941765 -1.37134480 -0.33935883 0.44591340 -0.01731395"
    )
    assert effects.vi == as_printed(
        "0.325584765 0.194581121 0.415367965 0.020010032 0.051210172 0.006905618 0.223017248 "
        "0.003961579 0.056434210 0.073024794 0.012412214 0.532505845 0.071404660"
    )


def test_random_effects() -> None:
    """Page 14, and page 21 for the rates and the interval for a new trial."""
    fit = random_effects()
    assert (fit.tau2, fit.se_tau2, fit.tau2**0.5) == as_printed("0.3132 0.1664 0.5597")
    assert (fit.i2, fit.h2, fit.q) == as_printed("92.22 12.86 152.2330")
    assert (fit.estimate, fit.se, fit.statistic) == as_printed("-0.7145 0.1798 -3.9744")
    assert fit.ci == as_printed("-1.0669 -0.3622")
    assert max(fit.q_p, fit.p_value) < 0.0001
    rate = fit.on_scale()
    assert (rate.estimate, *rate.ci) == as_printed("0.49 0.34 0.70")
    assert np.exp(fit.prediction_interval("normal")) == as_printed("0.15 1.55")


def test_interval_of_tau2() -> None:
    """Page 14, Q-profile.

    The article's lower end was searched for to R's default step of 0.00012, which shows in the
    last digits of I2 and H2. Q is 23.3367, the quantile that defines the end, at ours.
    """
    fit = random_effects()
    found = fit.heterogeneity()
    assert (found.tau2, *found.tau2_ci) == as_printed("0.3132 0.1197 1.1115")
    assert (found.tau, *found.tau_ci) == as_printed("0.5597 0.3460 1.0543")
    assert (found.i2, found.i2_ci[1]) == as_printed("92.2214 97.6781")
    assert (found.h2, found.h2_ci[1]) == as_printed("12.8558 43.0677")
    assert (found.i2_ci[0], found.h2_ci[0]) != as_printed("81.9177 5.5303")
    assert np.allclose((found.i2_ci[0], found.h2_ci[0]), (81.9177, 5.5303), rtol=2e-4)
    of_the_article = fit.tau2 * (5.5303 - 1) / (fit.h2 - 1)
    weights = 1 / (fit.effects.vi + np.array([[found.tau2_ci[0]], [of_the_article]]))
    mean = (weights * fit.effects.yi).sum(axis=1) / weights.sum(axis=1)
    q = (weights * (fit.effects.yi - mean[:, None]) ** 2).sum(axis=1)
    ours, theirs = abs(q - stats.chi2.ppf(0.975, 12))
    assert ours < 1e-9 < theirs


def test_latitude_and_year() -> None:
    """Page 16.

    The article's tau2 is where its iterations stopped, within 0.00001. At the maximum itself the
    figures of the intercept differ by up to 0.0007, and QM by 0.0002.
    """
    result = with_latitude_and_year()
    intercept = [
        values[0] for values in (result.estimate, result.se, result.ci_low, result.ci_high)
    ]
    printed = "-3.5455 29.0959 -60.5724 53.4814"
    assert intercept != as_printed(printed)
    assert np.allclose(intercept, as_printed(printed).figures, rtol=0, atol=0.0007)
    assert result.qm != as_printed("12.2043")
    assert abs(result.qm - 12.2043) < 0.0003
    assert result.estimate[1:] == as_printed("-0.0280 0.0019")
    assert result.se[1:] == as_printed("0.0102 0.0147")
    assert result.statistic == as_printed("-0.1219 -2.7371 0.1299")
    assert result.p_value == as_printed("0.9030 0.0062 0.8966")
    assert result.ci_low[1:] == as_printed("-0.0481 -0.0269")
    assert result.ci_high[1:] == as_printed("-0.0080 0.0307")
    assert (result.tau2, result.se_tau2, result.tau2**0.5) == as_printed("0.1108 0.0845 0.3328")
    assert (result.qe, result.qe_p, result.qm_p) == as_printed("28.3251 0.0016 0.0022")
    assert result.r2 == as_printed("65")


def test_predicted_rates() -> None:
    """Page 17: relative risks at latitudes of 10 to 60 degrees in 1970."""
    result = with_latitude_and_year()
    found = result.predict({"ablat": [10, 20, 30, 40, 50, 60], "year": 1970}).on_scale()
    assert [(row.estimate, *row.ci, *row.pi) for row in found] == as_printed(
        "0.9345 0.5833 1.4973 0.4179 2.0899 "
        "0.7062 0.5149 0.9686 0.3421 1.4579 "
        "0.5337 0.4196 0.6789 0.2663 1.0697 "
        "0.4033 0.2956 0.5502 0.1958 0.8306 "
        "0.3048 0.1916 0.4848 0.1369 0.6787 "
        "0.2303 0.1209 0.4386 0.0921 0.5761"
    )


def test_allocation() -> None:
    """Page 19: a factor without intercept, and tested against the intercept."""
    columns = ["estimate", "se", "statistic", "p_value", "ci_low", "ci_high"]
    levels = cb.regress(bcg("RR"), "~ alloc - 1", test="z").to_frame()
    assert levels.loc["alloc[random]", columns].tolist() == as_printed(
        "-0.9658 0.2672 -3.6138 0.0003 -1.4896 -0.4420"
    )
    assert levels.loc["alloc[alternate]", columns].tolist() == as_printed(
        "-0.5180 0.4412 -1.1740 0.2404 -1.3827 0.3468"
    )
    assert levels.loc["alloc[systematic]", columns].tolist() == as_printed(
        "-0.4289 0.3449 -1.2434 0.2137 -1.1050 0.2472"
    )
    contrast = cb.regress(bcg("RR"), "~ C(alloc, contr.treatment(base='random'))", test="z")
    assert contrast.estimate == as_printed("-0.9658 0.4478 0.5369")
    assert contrast.se == as_printed("0.2672 0.5158 0.4364")
    assert contrast.ci_low == as_printed("-1.4896 -0.5632 -0.3184")
    assert contrast.ci_high == as_printed("-0.4420 1.4588 1.3921")
    assert (contrast.qm, contrast.qm_p) == as_printed("1.7675 0.4132")


def test_knapp_hartung() -> None:
    """Page 20: allocation and latitude with the Knapp-Hartung method."""
    result = cb.regress(bcg("RR"), "~ alloc + ablat", test="knha")
    assert (result.tau2, result.se_tau2, result.tau2**0.5) == as_printed("0.1446 0.1124 0.3803")
    assert result.estimate == as_printed("0.2932 -0.2675 0.0585 -0.0273")
    assert result.se == as_printed("0.4188 0.3624 0.3925 0.0095")
    assert result.statistic == as_printed("0.7000 -0.7381 0.1490 -2.8669")
    assert result.p_value == as_printed("0.5016 0.4793 0.8849 0.0186")
    assert result.ci_low == as_printed("-0.6543 -1.0873 -0.8294 -0.0488")
    assert result.ci_high == as_printed("1.2407 0.5523 0.9463 -0.0058")
    assert (result.qe, result.qe_p) == as_printed("26.2034 0.0019")
    assert (result.qm, result.qm_p) == as_printed("3.4471 0.0650")
    assert (result.qm_df, result.df) == (3, 9)


def test_deleted_residuals() -> None:
    """Page 23: of the trials 1 to 4, 7, 12 and 13 in the model with latitude and year."""
    found = cb.influence(with_latitude_and_year()).to_frame()["rstudent"].to_numpy()
    assert found[[0, 1, 2, 3, 6, 11, 12]] == as_printed(
        "0.2978 -0.4303 -0.5100 -1.4032 -2.5961 1.4677 2.1302"
    )


def test_influence() -> None:
    """Page 24: only trial 4 is flagged in the model with latitude and year."""
    found = cb.influence(with_latitude_and_year()).to_frame()
    assert np.flatnonzero(found["flagged"]).tolist() == [3]


def test_leave_one_out() -> None:
    """Page 24: estimate and interval as rates, Q, tau2, I2 and H2 without each trial."""
    refits = cb.leave_one_out(random_effects())
    rates = [(row.estimate, *row.ci) for row in refits.on_scale()]
    frame = refits.to_frame()
    others = frame[["statistic", "q", "tau2", "i2", "h2"]].to_numpy()
    assert np.hstack([rates, others]) == as_printed(
        "0.493 0.340 0.716 -3.722 151.583 0.336 93.226 14.762 "
        "0.520 0.365 0.741 -3.620 145.318 0.293 92.254 12.910 "
        "0.504 0.350 0.725 -3.692 150.197 0.321 92.935 14.155 "
        "0.533 0.377 0.754 -3.558 96.563 0.263 90.412 10.430 "
        "0.466 0.320 0.678 -3.984 151.320 0.328 92.763 13.819 "
        "0.491 0.332 0.727 -3.550 128.187 0.360 90.912 11.003 "
        "0.519 0.365 0.740 -3.631 145.830 0.293 92.278 12.950 "
        "0.452 0.317 0.643 -4.418 67.986 0.273 87.031 7.711 "
        "0.477 0.324 0.701 -3.769 152.205 0.349 93.213 14.735 "
        "0.520 0.363 0.747 -3.544 139.827 0.299 92.232 12.874 "
        "0.469 0.319 0.688 -3.871 151.466 0.340 91.811 12.211 "
        "0.468 0.327 0.668 -4.173 150.787 0.308 92.678 13.658 "
        "0.460 0.319 0.661 -4.191 149.788 0.304 92.344 13.062"
    )


def test_egger() -> None:
    """Page 30: weighted regression with dispersion on the standard error."""
    found = cb.asymmetry(random_effects())
    assert (found.statistic, found.p_value) == as_printed("-1.4013 0.1887")
    assert found.df == 11


def test_sample_size_beside_latitude_and_year() -> None:
    """Page 31: the mixed-effects regression test, of the total sample size."""
    effects = bcg("RR")
    moderators = {**effects.moderators, "ni": effects.ni.tolist()}
    with_size = cb.Effects(yi=effects.yi, vi=effects.vi, moderators=moderators)
    result = cb.regress(with_size, "~ ablat + year + ni", test="z")
    assert (result.statistic[3], result.p_value[3]) == as_printed("0.7470 0.4550")


def test_trim_and_fill() -> None:
    """Pages 31 and 32: in the equal-effects model."""
    found = cb.trim_and_fill(random_effects(method="EE"))
    assert (found.k0, found.side, found.fit.k) == (4, "right", 17)
    fit = found.fit
    assert (fit.q, fit.estimate, fit.se, fit.statistic) == as_printed(
        "262.7316 -0.2910 0.0383 -7.6057"
    )
    assert fit.ci == as_printed("-0.3660 -0.2160")


def test_cumulative() -> None:
    """Page 33, Figure 9: trials added by year, relative risks and intervals."""
    refits = cb.cumulative(random_effects(), by="year")
    assert [(row.estimate, *row.ci) for row in refits.on_scale()] == as_printed(
        "0.41 0.13 1.26 0.27 0.13 0.53 0.38 0.23 0.61 0.37 0.24 0.57 0.33 0.22 0.49 "
        "0.38 0.26 0.55 0.41 0.28 0.59 0.45 0.31 0.67 0.42 0.29 0.62 0.46 0.32 0.65 "
        "0.49 0.35 0.70 0.45 0.32 0.64 0.49 0.34 0.70"
    )


def test_likelihood_ratio() -> None:
    """Page 34: latitude by maximum likelihood, with AIC, BIC and the variance accounted for."""
    full = cb.regress(bcg("RR"), "~ ablat", method="ML", test="z")
    reduced = cb.regress(bcg("RR"), "~ 1", method="ML", test="z")
    assert (full.aic, full.bic, full.log_likelihood) == as_printed("21.3713 23.0662 -7.6857")
    assert (reduced.aic, reduced.bic, reduced.log_likelihood) == as_printed(
        "29.3302 30.4601 -12.6651"
    )
    ratio = 2 * (full.log_likelihood - reduced.log_likelihood)
    assert (ratio, stats.chi2.sf(ratio, 1)) == as_printed("9.9588 0.0016")
    assert (full.qe, full.tau2, reduced.qe, reduced.tau2) == as_printed(
        "30.7331 0.0344 152.2330 0.2800"
    )
    assert full.r2 == as_printed("87.73")


def test_permutation() -> None:
    """Page 35: the exact test of the average, over all 8,192 signs."""
    found = cb.permutation_test(cb.regress(bcg("RR"), "~ 1", test="z"))
    assert (found.exact, found.repetitions) == (True, 8192)
    assert found.p_value == as_printed("0.0015")


def test_permutation_of_latitude_and_year() -> None:
    """Page 36: 10,000 random arrangements, so within four standard errors of two such samples."""
    found = cb.permutation_test(with_latitude_and_year(), repetitions=10_000, seed=1)
    printed = as_printed("0.9150 0.0224 0.8950 0.0232").figures
    error = np.sqrt(2 * printed * (1 - printed) / 10_000)
    assert (abs(np.array([*found.p_value, found.qm_p]) - printed) < 4 * error).all()


def test_best_linear_unbiased_predictions() -> None:
    """Page 38: of the trials 1 to 5 and 13."""
    found = cb.blup(random_effects()).to_frame().to_numpy()
    assert found[[0, 1, 2, 3, 4, 12]] == as_printed(
        "-0.8002 0.4099 -1.6037 0.0032 -1.2517 0.3532 -1.9440 -0.5594 "
        "-0.9869 0.4348 -1.8392 -0.1346 -1.3979 0.1376 -1.6675 -1.1283 "
        "-0.2874 0.2113 -0.7015 0.1268 -0.1467 0.2434 -0.6239 0.3304"
    )
