"""Schedulers by name: their settings are read by kind, and what they cannot use is refused before any work."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, EDMDPMSolverMultistepScheduler, EulerDiscreteScheduler

from emoticrafter.backbones.schedulers import make_scheduler, own_scheduler, read_scheduler, schedulers_for
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.errors import InputError
from emoticrafter.sampling import Sampling
from emoticrafter.system import STORYBOOK

EULER = EulerDiscreteScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
FLOW = DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("DPMSolverMultistep,thresholding=False", "thresholding", False),
        ("DPMSolverMultistep,thresholding=TRUE", "thresholding", True),
        ("DDIM,clip_sample=False", "clip_sample", False),
        ("DDIM,clip_sample=1", "clip_sample", True),
        ("Euler,use_karras_sigmas=True", "use_karras_sigmas", True),
        ("Euler,use_karras_sigmas=false", "use_karras_sigmas", False),
        ("DPMSolverMultistep,flow_shift=3", "flow_shift", 3.0),
        ("DPMSolverMultistep,solver_order=3", "solver_order", 3),
        ("DPMSolverMultistep,lambda_min_clipped=-5.1", "lambda_min_clipped", -5.1),
        ("Euler,timestep_spacing=Trailing", "timestep_spacing", "trailing"),
        ("Euler,sigma_max=None", "sigma_max", None),
        ("Euler,sigma_max=12.5", "sigma_max", 12.5),
        ("UniPCMultistep,disable_corrector=[0,1]", "disable_corrector", [0, 1]),
        ("DPMSolverMultistep,variance_type=none", "variance_type", None),
    ],
)
def test_a_setting_is_read_as_what_its_default_is(text: str, key: str, value: Any) -> None:
    found = make_scheduler(text, EULER).config[key]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Euler,timestep_spacing=bogus", "timestep_spacing is 'bogus'; it must be one of linspace, leading, trailing"),
        ("DPMSolverMultistep,flow_shift=abc", "flow_shift is 'abc'; it must be a number. Its default is 1.0"),
        ("DPMSolverMultistep,final_sigmas_type=foo", "final_sigmas_type is 'foo'; it must be one of zero, sigma_min"),
        ("DPMSolverMultistep,solver_order=2.5", "solver_order is '2.5'; it must be a whole number"),
        ("DDIM,clip_sample=maybe", "clip_sample is 'maybe'; it must be true or false"),
        ("DDIM,beta_start=nan", "beta_start is 'nan'; it must be a number that is finite"),
        ("DPMSolverMultistep,solver_order=99", "solver_order is '99'; it must be a whole number from 1 to 3. Its default is 2"),
        ("DPMSolverMultistep,solver_order=-4", "solver_order is '-4'; it must be a whole number from 1 to 3"),
        ("UniPCMultistep,solver_order=0", "solver_order is '0'; it must be a whole number from 1. Its default is 2"),
        ("DDIM,steps_offset=-1", "steps_offset is '-1'; it must be a whole number from 0"),
        ("LCM,original_inference_steps=0", "original_inference_steps is '0'; it must be a whole number from 1"),
        (
            "Euler,beta_schedule=zzz",
            "beta_schedule is 'zzz'; it must be one of linear, scaled_linear, squaredcos_cap_v2, sigmoid",
        ),
        ("EulerAncestral,timestep_spacing=bogus", "'bogus'; it must be one of leading, trailing, linspace"),
        ("Euler,prediction_type=foo", "prediction_type is 'foo'; it must be one of"),
        ("Euler,interpolation_type=foo", "interpolation_type is 'foo'; it must be one of linear, log_linear"),
        ("Euler,sigma_max=wide", "sigma_max is 'wide'; it must be a number, true, false or none"),
        ("UniPCMultistep,disable_corrector=5", "it must be a list of numbers"),
        ("Euler,speed=9", "'speed=9' is no setting of EulerDiscreteScheduler"),
        ("DPMSolverMultistep,beta_start=-1", "beta_start is '-1'; it must be a number from 0. Its default is 0.0001"),
        ("Euler,beta_end=-0.5", "beta_end is '-0.5'; it must be a number from 0"),
        (
            "DDIM,trained_betas=1",
            r"trained_betas is '1'; it must be a list of numbers, such as \[0,1\], or none. Its default is None",
        ),
        ("DPMSolverMultistep,solver_order=2,solver_order=3", "gives solver_order twice. Give each setting once"),
    ],
)
def test_a_value_of_another_kind_is_refused_without_a_model(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_scheduler(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Euler,beta_schedule=sigmoid", "sigmoid is not implemented"),
        ("Euler,beta_end=inf", "values that are not finite"),
        ("DDPM,variance_type=learned", "cannot go with its settings"),
        ("DDIM,timestep_spacing=leading,steps_offset=999", "out of bounds"),
    ],
)
def test_a_value_that_the_scheduler_cannot_use_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_scheduler(text, EULER)


@pytest.mark.parametrize("own", [EULER, FLOW], ids=["noise", "flow"])
def test_every_scheduler_goes_with_its_defaults(own: Any) -> None:
    names = [cls.__name__ for cls in schedulers_for(own is FLOW)]
    assert len(names) >= 4
    for name in names:
        assert type(make_scheduler(name, own)).__name__ == name


def test_trying_a_scheduler_leaves_the_random_numbers_alone() -> None:
    torch.manual_seed(3)
    make_scheduler("EulerAncestral,timestep_spacing=trailing", EULER)
    after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(after, torch.rand(1))


def test_a_wrong_setting_is_told_before_the_weights_are_read(tiny_sdxl: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_sdxl, tmp_path / "copy"))
    for file in folder.rglob("*.safetensors"):
        file.write_bytes(b"no weights")
    with pytest.raises(InputError, match="prediction_type is 'foo'"):
        SDXLBackbone.open(folder, device="cpu", scheduler="Euler,prediction_type=foo")


def test_only_schedulers_that_fit_the_model_are_offered() -> None:
    with pytest.raises(InputError) as caught:
        SDXLBackbone.open(STORYBOOK, device="cpu", scheduler="Nope")
    assert str(caught.value) == (
        "The scheduler is 'Nope', which does not fit this model. Known ones: DEISMultistep, DPMSolverMultistep,"
        " DPMSolverSinglestep, UniPCMultistep."
    )


@pytest.mark.parametrize("text", ["EDMEuler", "EDMEulerScheduler", "edmeuler,rho=5"])
def test_a_scheduler_of_another_mathematics_is_neither_listed_nor_taken(tiny_sdxl: Path, text: str) -> None:
    with pytest.raises(InputError) as caught:
        SDXLBackbone.open(tiny_sdxl, device="cpu", scheduler=text)
    assert str(caught.value) == (
        f"The scheduler is {text.partition(',')[0]!r}, which does not fit this model. Known ones: DDIM, DDPM, DEISMultistep,"
        " DPMSolverMultistep, DPMSolverSinglestep, EulerAncestralDiscrete, EulerDiscrete, HeunDiscrete, KDPM2AncestralDiscrete,"
        " KDPM2Discrete, LCM, LMSDiscrete, PNDM, TCD, UniPCMultistep."
    )


def test_a_model_of_edm_takes_the_scheduler_of_edm() -> None:
    own = EDMDPMSolverMultistepScheduler()
    assert type(make_scheduler("EDMEuler", own)).__name__ == "EDMEulerScheduler"


def test_every_scheduler_that_is_listed_goes_with_the_tiny_model(tiny_sdxl: Path) -> None:
    own = own_scheduler(tiny_sdxl)
    with pytest.raises(InputError) as caught:
        make_scheduler("Nope", own)
    listed = caught.value.hint.removeprefix("Known ones: ").removesuffix(".").split(", ")
    assert len(listed) == 15
    for name in listed:
        assert type(make_scheduler(name, own)).__name__ == f"{name}Scheduler"


def test_false_draws_what_its_absence_draws(tiny_sdxl: Path) -> None:
    def drawn(scheduler: str) -> np.ndarray:
        backbone = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32", scheduler=scheduler)
        return np.asarray(backbone.render(backbone.encode(["a cat"]), seeds=[1], sampling=Sampling(steps=4))[0], dtype=np.int16)

    plain = drawn("DPMSolverMultistep")
    assert np.array_equal(plain, drawn("DPMSolverMultistep,thresholding=False"))
    assert not np.array_equal(plain, drawn("DPMSolverMultistep,thresholding=True"))


def test_more_steps_than_the_scheduler_can_make_are_refused(tiny_sdxl: Path) -> None:
    backbone = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32", scheduler="LCM")
    with pytest.raises(InputError, match=r"number of steps is 60, which LCMScheduler cannot make.*Give another number"):
        backbone.check(Sampling(steps=60, guidance=3.0, size=(32, 32), negative=None))
