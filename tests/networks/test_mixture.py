"""Mixtures and k-means beside scikit-learn's, with missing cells, weights, bad input, exports."""

from __future__ import annotations

import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from tenfold.networks import mixture as network
from tenfold.networks.grouping import expectation
from tenfold.networks.grouping import kmeans as clusters
from tenfold.networks.grouping.kmeans import kmeans
from tenfold.networks.grouping.mixture_fit import fit_mixture
from tenfold.networks.mixture import KINDS, Mixture

OTHER = {"full": "full", "diagonal": "diag", "tied": "tied", "spherical": "spherical"}
GROUPS, COLUMNS = 4, 5


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def world(count: int = 600, missing: float = 0.0) -> torch.Tensor:
    """Correlated rows around four centres, in columns of different units."""
    draw = np.random.default_rng(0)
    centres = draw.normal(0, 3, (GROUPS, COLUMNS))
    skew = draw.normal(size=(COLUMNS, COLUMNS)) * 0.7
    rows = centres[draw.integers(0, GROUPS, count)] + draw.normal(size=(count, COLUMNS)) @ skew
    rows = rows * np.array([1, 2, 0.3, 5, 1]) + 7
    rows[draw.random(rows.shape) < missing] = np.nan
    return torch.from_numpy(rows.astype(np.float32))


def start(kind: str, rows: torch.Tensor) -> Mixture:
    """The first rows as means, the covariance of all rows."""
    whole = np.cov(rows[~rows.isnan().any(1)].numpy().T.astype(float))
    shapes = {
        "full": np.repeat(whole[None], GROUPS, 0),
        "tied": whole,
        "diagonal": np.repeat(np.diag(whole)[None], GROUPS, 0),
        "spherical": np.full(GROUPS, np.diag(whole).mean()),
    }
    means = rows[~rows.isnan().any(1)][:GROUPS]
    weights = torch.full((GROUPS,), 1 / GROUPS)
    return Mixture.of(kind, weights, means, torch.from_numpy(shapes[kind]))


def peer(kind: str, begin: Mixture, **settings) -> GaussianMixture:
    factors = begin.factors.double().numpy()
    dense = factors @ factors.swapaxes(-1, -2) if begin.dense else factors**2
    return GaussianMixture(
        GROUPS,
        covariance_type=OTHER[kind],
        weights_init=np.full(GROUPS, 1 / GROUPS),
        means_init=begin.means.double().numpy(),
        precisions_init=dense,
        **settings,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_equals_scikit_learn(kind, monkeypatch) -> None:
    """Fitted from the same start: likelihood, shares, parameters, criteria; with copied parameters.

    Blocks are small, rows sorted by component, and products in double precision give the same.
    """
    rows, begin = world(), start(kind, world())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = peer(kind, begin, max_iter=30, tol=0).fit(rows.double().numpy())
    settings = {"start": begin, "iterations": 30, "tolerance": 0.0}
    fits = [fit_mixture(rows, GROUPS, kind, seeded(), **settings)]
    monkeypatch.setattr(expectation, "BLOCK_VALUES", 400)
    monkeypatch.setattr("tenfold.networks.grouping.mixture_fit.SORTED_COMPONENTS", 2)
    fits.append(fit_mixture(rows, GROUPS, kind, seeded(), **settings))
    monkeypatch.setattr(expectation, "SINGLE_PRECISION_LIMIT", 0.0)
    fits.append(fit_mixture(rows, GROUPS, kind, seeded(), **settings))
    truth = rows.double().numpy()
    for fit in fits:
        assert abs(fit.log_likelihood - other.score(truth)) < 1e-4
        assert np.allclose(fit.mixture.means, other.means_, atol=3e-3)
        likelihood, shares = fit.mixture(rows)
        assert np.allclose(likelihood, other.score_samples(truth), atol=3e-3)
        assert np.allclose(shares, other.predict_proba(truth), atol=1e-3)
        assert abs(fit.bic / other.bic(truth) - 1) < 1e-5
        assert abs(fit.aic / other.aic(truth) - 1) < 1e-5
    copied = Mixture.of(
        kind, *map(torch.tensor, (other.weights_, other.means_, other.covariances_))
    )
    likelihood, shares = copied(rows)
    assert np.allclose(likelihood, other.score_samples(truth), atol=1e-4)
    assert np.allclose(shares, other.predict_proba(truth), atol=1e-5)
    assert torch.equal(copied.energy(rows), -likelihood)
    monkeypatch.setattr(network, "BLOCK_VALUES", 50)
    assert torch.allclose(copied(rows)[0], likelihood, atol=1e-5)


def marginals(mixture: Mixture, rows: torch.Tensor) -> torch.Tensor:
    """Joint logs (N, K) by the density of the present cells alone, row by row."""
    factors = mixture.factors.double()
    if not mixture.dense:
        factors = torch.diag_embed(factors.reshape(GROUPS, -1).expand(GROUPS, COLUMNS))
    whole = torch.linalg.inv(factors @ factors.mT).expand(GROUPS, COLUMNS, COLUMNS)
    logs = mixture.log_weights.double().repeat(len(rows), 1)
    for at, row in enumerate(rows.double()):
        seen = ~row.isnan()
        for group in range(GROUPS if seen.any() else 0):
            law = torch.distributions.MultivariateNormal(
                mixture.means[group, seen].double(),
                whole[group][seen][:, seen],
                validate_args=False,
            )
            logs[at, group] += law.log_prob(row[seen])
    return logs


@pytest.mark.parametrize("kind", KINDS)
def test_missing_cells_are_marginal(kind, monkeypatch) -> None:
    """Answers, likelihood of the fit, its growth by each step, and one step by hand."""
    rows = world(120, missing=0.25)
    rows[5] = torch.nan
    begin = start(kind, rows)
    truth = marginals(begin, rows)
    likelihood, shares = begin(rows)
    assert torch.allclose(likelihood.double(), truth.logsumexp(1), atol=1e-3)
    assert torch.allclose(shares.double(), truth.softmax(1), atol=1e-4)
    assert abs(likelihood[5]) < 1e-6
    fits = []
    for steps in (1, 2, 3, 20):
        fit = fit_mixture(rows, GROUPS, kind, seeded(), start=begin, iterations=steps, tolerance=0)
        fits.append(fit.log_likelihood)
    expected = marginals(fit.mixture, rows).logsumexp(1).mean().item()
    assert abs(fits[3] - expected) < 2e-4
    assert likelihood.mean() < fits[0] < fits[1] < fits[2] < fits[3]
    monkeypatch.setattr(expectation, "BLOCK_VALUES", 300)
    monkeypatch.setattr(expectation, "SHARED_ROWS", 3)
    again = fit_mixture(rows, GROUPS, kind, seeded(), start=begin, iterations=20, tolerance=0)
    assert abs(again.log_likelihood - fits[3]) < 1e-5
    one = fit_mixture(rows, 1, kind, seeded())
    assert np.isfinite(one.log_likelihood) and one.mixture.missing


def test_starts_find_the_groups_and_repeat() -> None:
    rows, draw = world(2000), seeded(3)
    settings = {"tolerance": 1e-5, "iterations": 500}
    first = [fit_mixture(rows, GROUPS, kind, seeded(3), **settings) for kind in KINDS]
    again = [fit_mixture(rows, GROUPS, kind, seeded(3), **settings) for kind in KINDS]
    for one, two, kind in zip(first, again, KINDS, strict=True):
        assert all(map(torch.equal, one.mixture.state_dict().values(), two.mixture.buffers()))
        assert one.converged and len(one.starts) == 4
        other = fit_mixture(rows, GROUPS, kind, draw, start=one.mixture, tolerance=1e-7)
        assert abs(other.log_likelihood - one.log_likelihood) < 0.01
        assert one.log_likelihood >= max(one.starts) - 1e-3
    counts = [fit_mixture(rows, count, "full", draw).bic for count in range(1, 7)]
    assert 1 + int(np.argmin(counts)) == GROUPS


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("kind", KINDS)
def test_weights_count_as_copies(kind, missing) -> None:
    rows = world(300, missing)
    weights = torch.from_numpy(np.random.default_rng(1).integers(0, 4, 300))
    copies, begin = rows.repeat_interleave(weights, 0), start(kind, rows)
    settings = {"start": begin, "iterations": 10, "tolerance": 0.0}
    one = fit_mixture(rows, GROUPS, kind, seeded(), weights=weights.float(), **settings)
    two = fit_mixture(copies, GROUPS, kind, seeded(), **settings)
    assert abs(one.log_likelihood - two.log_likelihood) < 1e-4 and abs(one.bic / two.bic - 1) < 1e-5
    assert torch.allclose(one.mixture.means, two.mixture.means, atol=1e-3)
    assert abs(one.mixture(copies)[0].mean() - one.log_likelihood) < 1e-3


def test_kmeans_equals_scikit_learn_and_reseeds() -> None:
    rows = world(3000)
    weights = torch.rand(3000, generator=seeded())
    for weight in (None, weights):
        ours = kmeans(rows, GROUPS, seeded(), weights=weight, starts=8, tolerance=0.0)
        other = KMeans(GROUPS, n_init=8, random_state=0, tol=0)
        other.fit(rows.numpy(), sample_weight=None if weight is None else weight.numpy())
        assert abs(ours.inertia / other.inertia_ - 1) < 1e-4 and ours.converged
        other.set_params(init=ours.centres.numpy(), n_init=1)
        other.fit(rows.numpy(), sample_weight=None if weight is None else weight.numpy())
        assert (ours.groups.numpy() == other.labels_).mean() > 0.998
    again = kmeans(rows, GROUPS, seeded(), weights=weights, starts=8, tolerance=0.0)
    assert torch.equal(again.groups, ours.groups) and torch.equal(again.centres, ours.centres)
    points = torch.tensor([[0.0, 0], [0, 1], [50, 50], [50, 51], [99, 0]])
    lost = torch.tensor([[0.0, 0], [-900, -900], [-900, -901]])
    found = clusters.lloyd(points, lost, None, 20, 0.0)
    assert len(found.groups.unique()) == 3 and found.inertia == pytest.approx(1.0)


def test_kmeans_with_missing_cells() -> None:
    """Rows with gaps are grouped by their present cells, far groups without any error."""
    draw = np.random.default_rng(0)
    truth = torch.from_numpy(draw.integers(0, 3, 900))
    rows = torch.eye(3, 6)[truth] * 20 + torch.from_numpy(draw.normal(size=(900, 6))).float()
    rows[torch.from_numpy(draw.random((900, 6)) < 0.1)] = torch.nan
    sure = ~rows[:, :3].isnan().any(1)
    found = kmeans(rows, 3, seeded())
    assert len(torch.stack([truth, found.groups], 1)[sure].unique(dim=0)) == 3
    assert found.centres.isfinite().all()


def test_samples_of_few_distinct_rows(monkeypatch) -> None:
    """A sample that lacks distinct rows is replaced by all rows."""
    monkeypatch.setattr(clusters, "SAMPLE_ROWS", 10)
    monkeypatch.setattr(clusters, "SAMPLE_ROWS_A_CENTRE", 1)
    monkeypatch.setattr(clusters, "SAMPLE_ROWS_A_COLUMN", 0)
    rows = torch.zeros(1000, 2)
    rows[500:503] = torch.tensor([[1.0, 0], [0, 1], [1, 1]])
    assert kmeans(rows, 4, seeded()).inertia == pytest.approx(0, abs=1e-6)
    fit = fit_mixture(world(500), GROUPS, "full", seeded())
    assert np.isfinite(fit.log_likelihood) and len(fit.starts) == 4


def test_degenerate_rows_have_sound_answers() -> None:
    same, constant = torch.full((20, 3), 4.0), world(300)
    constant[:, 2] = 1e4
    for kind in KINDS:
        one = fit_mixture(same, 1, kind, seeded())
        assert torch.allclose(one.mixture.means, same[:1]) and one.mixture(same)[0].isfinite().all()
        fit = fit_mixture(constant, GROUPS, kind, seeded())
        assert abs(fit.mixture(constant)[0].mean() - fit.log_likelihood) < 1e-2
        far = torch.full((1, COLUMNS), 1e30)
        likelihood, shares = fit.mixture(far)
        assert likelihood.isfinite() and torch.allclose(shares.sum(1), torch.ones(1))


def test_bad_input_is_refused() -> None:
    rows = world(50)
    infinite, empty = rows.clone(), rows.clone()
    infinite[7, 1], empty[:, 3] = torch.inf, torch.nan
    same, constant = torch.zeros(50, 2), rows.clone()
    constant[:, 1] = 0
    other = start("tied", rows)
    bad = [
        ("51 clusters of 50 rows", lambda: fit_mixture(rows, 51, "full", seeded())),
        ("0 clusters", lambda: kmeans(rows, 0, seeded())),
        ("1 distinct rows", lambda: fit_mixture(same, 2, "diagonal", seeded())),
        ("1 distinct rows", lambda: kmeans(same, 2, seeded())),
        ("row 7 .* infinite", lambda: fit_mixture(infinite, 2, "full", seeded())),
        ("column 3 has no value", lambda: fit_mixture(empty, 2, "full", seeded())),
        ("column 3 has no value", lambda: kmeans(empty, 2, seeded())),
        ("floating-point", lambda: kmeans(rows.long(), 2, seeded())),
        ("singular", lambda: fit_mixture(constant, 2, "full", seeded(), reg_covar=0)),
        ("singular", lambda: fit_mixture(constant, 2, "diagonal", seeded(), reg_covar=0)),
        ("weights", lambda: kmeans(rows, 2, seeded(), weights=-torch.ones(50))),
        ("weights", lambda: fit_mixture(rows, 2, "tied", seeded(), weights=torch.zeros(50))),
        ("kind must be", lambda: fit_mixture(rows, 2, "round", seeded())),
        ("start", lambda: fit_mixture(rows, 3, "tied", seeded(), start=other)),
        ("start", lambda: fit_mixture(rows, GROUPS, "full", seeded(), start=other)),
        ("at least", lambda: fit_mixture(rows, 2, "full", seeded(), starts=0)),
        ("kind must be", lambda: Mixture(2, 2, "diag")),
    ]
    for expected, call in bad:
        with pytest.raises(ValueError, match=expected):
            call()


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("full", True),
        ("tied", False),
        ("diagonal", True),
        pytest.param("tied", True, marks=pytest.mark.slow),
        pytest.param("full", False, marks=pytest.mark.slow),
        pytest.param("spherical", True, marks=pytest.mark.slow),
    ],
)
def test_exports_answer_alike(kind, missing, tmp_path) -> None:
    """torch.export and ONNX for any number of rows; reopened buffers; the meta device."""
    rows = world(300, missing=0.2 if missing else 0.0)
    net = fit_mixture(rows, GROUPS, kind, seeded(), iterations=5, missing=missing).mixture
    fresh = Mixture(GROUPS, COLUMNS, kind, missing)
    fresh.load_state_dict(net.state_dict())
    assert all(map(torch.equal, fresh(rows), net(rows)))
    count = torch.export.Dim("count")
    program = torch.export.export(net, (rows[:3],), dynamic_shapes=({0: count},))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onnx = torch.onnx.export(program, dynamo=True, verbose=False)
    onnx.save(tmp_path / "mixture.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "mixture.onnx")
    name = session.get_inputs()[0].name
    for size in (1, 3, 300):
        expected = net(rows[:size])
        answers = session.run(None, {name: rows[:size].numpy()})
        for ours, exported, other in zip(
            expected, program.module()(rows[:size]), answers, strict=True
        ):
            assert torch.allclose(ours, exported, atol=1e-4)
            assert np.allclose(ours, other, atol=1e-4)
    with torch.device("meta"):
        shapes = Mixture(GROUPS, COLUMNS, kind)(torch.empty(7, COLUMNS))
    assert [part.shape for part in shapes] == [(7,), (7, GROUPS)]
