"""A discrete-choice model as a network: the multinomial logit, one layer whose weights all alternatives share."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from naibu.errors import OptionError


class MultinomialLogit(nn.Module):
    """The probability of each alternative: softmax over j of u_j = w · x_j + b_j (McFadden 1974).

    As a network (document D): every alternative j has a unit of its own that reads its own attributes x_j, travel time
    and cost for example; the weights w are the same in all of them, whatever is read, and the units meet in a softmax.
    One-to-one: nothing is carried from one choice to the next. Parameters: `weight [attribute]`, and `bias [alternative
    - 1]`, the alternatives' constants; that of the first is 0, since only differences of utilities change anything.
    """

    def __init__(self, attributes: int, alternatives: int) -> None:
        super().__init__()
        if attributes < 1 or alternatives < 2:
            raise OptionError(f"{attributes} attributes of {alternatives} alternatives: at least 1 of at least 2")
        self.weight = nn.Parameter(torch.zeros(attributes))
        self.bias = nn.Parameter(torch.zeros(alternatives - 1))

    def forward(self, x: Tensor, available: Tensor | None = None) -> Tensor:
        """Return log probabilities, `[choice alternative]`, of attributes `x [choice alternative attribute]`.

        available: which alternatives there were, bool `[choice alternative]`; all when not given. Others have minus
        infinity.
        """
        utility = x @ self.weight + torch.cat([self.bias.new_zeros(1), self.bias])
        if available is not None:
            utility = utility.masked_fill(~available, -torch.inf)
        found: Tensor = utility.log_softmax(-1)
        return found


class Fitted(NamedTuple):
    """A multinomial logit at its largest likelihood: the log likelihood in nats, and the standard errors of weight and
    bias, one after the other, from the curvature there."""

    model: MultinomialLogit
    log_likelihood: float
    errors: Tensor  # [attribute + alternative - 1]


def fit(x: Tensor, chosen: Tensor, available: Tensor | None = None, *, steps: int = 200) -> Fitted:
    """Return the model that makes choices likeliest, in float64: backpropagation gives the gradient, L-BFGS the steps.

    x: attributes `[choice alternative attribute]`. chosen: the alternative of each choice, `[choice]`. The likelihood
    is concave, so that there is one largest value, whatever the optimiser. Raises OptionError for a chosen alternative
    that was not available, and where the likelihood has no largest value, as some attribute tells every choice.
    """
    x, rows = x.double(), torch.arange(len(x))
    if available is not None and not available[rows, chosen].all():
        raise OptionError(f"choice {int((~available[rows, chosen]).int().argmax())}: what was chosen was not available")
    model = MultinomialLogit(x.shape[-1], x.shape[1]).double()
    optimiser = torch.optim.LBFGS(
        model.parameters(), max_iter=steps, tolerance_grad=1e-10, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        optimiser.zero_grad()
        found = -model(x, available)[rows, chosen].mean()
        found.backward()
        return float(found.item())

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    curvature = len(x) * _curvature(model, x, available)
    smallest = float(torch.linalg.eigvalsh(curvature)[0])
    if not smallest > 1e-6:
        raise OptionError("the likelihood has no largest value: a combination of attributes tells choices for certain")
    errors = torch.linalg.inv(curvature).diagonal().sqrt()
    likelihood = float(model(x, available)[rows, chosen].detach().sum())
    return Fitted(model, likelihood, errors)


@torch.no_grad()
def _curvature(model: MultinomialLogit, x: Tensor, available: Tensor | None) -> Tensor:
    """Return minus the second derivatives of the mean log likelihood: the mean covariance, under p, of what each
    alternative adds, its attributes and its constant."""
    ones = torch.eye(x.shape[1], dtype=x.dtype)[:, 1:].expand(len(x), -1, -1)
    z, p = torch.cat([x, ones], -1), model(x, available).exp()
    mean = (p[..., None] * z).sum(1)
    found: Tensor = torch.einsum("nj,nja,njb->ab", p, z, z) / len(x) - mean.T @ mean / len(x)
    return found
