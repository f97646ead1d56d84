from __future__ import annotations

import torch
from layers import random

from variants.lsh_gather import Gather

ORDER = torch.rand(3, 2, 7, generator=torch.Generator().manual_seed(0)).argsort(-1)


def test_slots_hold_the_tokens_of_the_order_and_give_them_back() -> None:
    gather, x = Gather(ORDER), random(3, 7, 4)
    slots = gather.to_slots(x)
    for n, r, s in ((0, 0, 0), (2, 1, 6), (1, 0, 3)):
        assert torch.equal(slots[n, r, s], x[n, ORDER[n, r, s]])
    assert torch.equal(gather.to_tokens(slots), x[:, None].expand(3, 2, 7, 4))


def test_gradients_go_the_way_back() -> None:
    gather = Gather(ORDER)
    tokens, slots = random(3, 7, 4).requires_grad_(), random(3, 2, 7, 4).requires_grad_()
    assert torch.autograd.gradcheck(gather.to_slots, (tokens,))
    assert torch.autograd.gradcheck(gather.to_tokens, (slots,))


def test_rounds_weigh_as_much_as_their_log_sum_exps_say() -> None:
    gather, value = Gather(ORDER), random(3, 7, 4)
    mixed, lse = random(3, 2, 7, 4, seed=1), random(3, 2, 7, seed=2)
    # Head 0's token 5 sees nothing in either round, its token 4 nothing in the second.
    lse[0, ORDER[0] == 5] = float("-inf")
    lse[0, 1, ORDER[0, 1] == 4] = float("-inf")
    out = gather.join(mixed, lse, value)
    assert torch.equal(out[0, 5], value[0, 5])
    assert torch.equal(out[0, 4], mixed[0, 0, ORDER[0, 0] == 4][0])
    first, second = (int((ORDER[2, r] == 3).nonzero()) for r in range(2))
    weights = torch.stack([lse[2, 0, first], lse[2, 1, second]]).exp()
    want = weights[0] * mixed[2, 0, first] + weights[1] * mixed[2, 1, second]
    torch.testing.assert_close(out[2, 3], want / weights.sum())
