"""`emoticrafter data encode`: prompt pairs into training features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emoticrafter.cli.console import note, say, say_json, stages
from emoticrafter.cli.data import app
from emoticrafter.cli.options import Config, Json, RayOptions, absolute, spread
from emoticrafter.extras import need_extra

if TYPE_CHECKING:
    import pandas as pd

    from emoticrafter.backbones.base import PromptEncoder
    from emoticrafter.features.encoding import Written
    from emoticrafter.features.shards import ShardEngine

WORK = "Where it is computed"


@dataclass(frozen=True, kw_only=True)
class WorkOptions:
    """By whom and how the prompts are encoded."""

    device: Annotated[
        str | None, typer.Option(help="The device: cpu, cuda, cuda:1 or mps; by default the best there is.", rich_help_panel=WORK)
    ] = None
    compute: Annotated[
        str | None,
        typer.Option(
            help="Compute in float32, bfloat16 or float16; by default what suits the device.",
            metavar="DTYPE",
            rich_help_panel=WORK,
        ),
    ] = None
    threads: Annotated[
        int | None,
        typer.Option(help="How many CPU threads are used; by default all cores.", min=1, max=1024, rich_help_panel=WORK),
    ] = None

    def open(self, backbone: str, config: str | None, ray: RayOptions) -> tuple[PromptEncoder, ShardEngine | None]:
        """The encoder of this process, and the engine where it is not this process that encodes."""
        import torch

        from emoticrafter.backbones.registry import open_encoder

        if self.threads is not None:
            torch.set_num_threads(self.threads)
        if ray.engine == "local":
            return open_encoder(backbone, device=self.device, dtype=self.compute, config=config), None
        from emoticrafter.cluster.features import ray_engine

        device, compute = self.device, self.compute
        if str(device).startswith("cuda") and not torch.cuda.is_available():  # the workers have some; here, prompts are counted
            device, compute = "cpu", compute or "bfloat16"
        encoder = open_encoder(backbone, device=device, dtype=compute, config=config)
        engine = ray_engine(
            absolute(backbone),
            config=None if config is None else absolute(config),
            fingerprint=encoder.fingerprint,
            device=self.device,
            compute=encoder.computed,
            address=ray.ray_address,
            workers=ray.ray_workers,
            cpus=self.threads,
        )
        return encoder, engine


@app.command()
@spread
def encode(
    *,
    pairs: Annotated[Path, typer.Argument(help="A table of prompt pairs.", metavar="PAIRS.parquet")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write; an unfinished one is taken up.", metavar="DIR")],
    backbone: Annotated[
        str,
        typer.Option(
            help="The backbone of the text encoders: storybook, sdxl, a hub id, or a path to weights.",
            metavar="NAME|HUB-ID|PATH",
        ),
    ] = "storybook",
    dtype: Annotated[str, typer.Option(help="How the features are stored: float16 or bfloat16.")] = "float16",
    config: Config = None,
    long: Annotated[
        str,
        typer.Option(
            help="Prompts longer than the encoder takes: refuse them, cut (keep the beginning) or drop (leave the pair out).",
            metavar="refuse|cut|drop",
        ),
    ] = "refuse",
    without_doubts: Annotated[
        bool, typer.Option("--without-doubts", help="Leave out the pairs that the automatic checks doubt.")
    ] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Make damaged and missing shards again.")] = False,
    batch: Annotated[
        int | None, typer.Option(help="How many prompts are encoded at once; by default 64.", metavar="N", rich_help_panel=WORK)
    ] = None,
    shard_rows: Annotated[
        int | None,
        typer.Option(help="How many prompts a file holds; by default about 256 MB of them.", metavar="N", rich_help_panel=WORK),
    ] = None,
    work: WorkOptions,
    ray: RayOptions,
    as_json: Json = False,
) -> None:
    """Encode the prompts of pairs for training, each distinct one once.

    The command may be stopped at any point. The same command goes on where it stopped and ends in the same bytes.

    Examples:

    - `emoticrafter data encode pairs.parquet --out features/`
    - `emoticrafter data encode pairs.parquet --backbone sdxl --out features-sdxl/ --long cut`
    - `emoticrafter data encode pairs.parquet --out features/ --repair`
    - `emoticrafter data encode pairs.parquet --backbone sdxl --out /shared/features --engine ray --ray-address head:6379`
    """
    need_extra("data", "pandas", "pyarrow")
    from emoticrafter.data.tables import read_table
    from emoticrafter.features.encoding import check_encoding, write_features

    ray.check()
    table, _ = read_table(pairs, "pairs")
    if without_doubts:
        table = _undoubted(table)
    check_encoding(table, out, dtype=dtype, batch=batch, shard_rows=shard_rows, long=long)
    encoder, engine = work.open(backbone, config, ray)
    try:
        with stages("prompts") as stage:
            written = write_features(
                table,
                out,
                encoder,
                dtype=dtype,
                batch=batch,
                shard_rows=shard_rows,
                long=long,
                repair=repair,
                engine=engine,
                progress=stage,
            )
    except KeyboardInterrupt:
        note("Stopped. The same command goes on where it stopped.")
        raise
    _report(out, written, as_json)


def _undoubted(table: pd.DataFrame) -> pd.DataFrame:
    doubted = table["doubts"].fillna("") != ""
    if doubted.any():
        note(f"{doubted.sum():,} pairs that the automatic checks doubt are left out")
    return table[~doubted].reset_index(drop=True)


def _report(out: Path, written: Written, as_json: bool) -> None:
    manifest = written.manifest
    shared = 2 * manifest.pairs - manifest.prompts
    rate = written.encoded / written.seconds
    if as_json:
        about: dict[str, Any] = manifest.as_dict()
        about["shards"] = len(manifest.shards)
        done = {"encoded": written.encoded, "shared": shared, "dropped": written.dropped, "bytes": written.bytes}
        done["saved_bytes"] = manifest.saved_bytes
        say_json({"path": str(out), **done, "seconds": round(written.seconds, 3), "prompts_per_second": round(rate, 1), **about})
        return
    say(str(out))
    named = 2 * manifest.pairs
    note(f"{manifest.pairs:,} pairs name {named:,} prompts, {manifest.prompts:,} of them distinct ({shared:,} shared)")
    if written.dropped:
        note(f"{written.dropped:,} pairs with a prompt of over {manifest.tokens} tokens were left out")
    if manifest.cut:
        note(f"{manifest.cut:,} prompts of over {manifest.tokens} tokens lost their end")
    form = f"{manifest.tokens} x {manifest.channels} {manifest.dtype}"
    note(
        f"{written.bytes / 1e6:,.1f} MB in {len(manifest.shards)} shards: {form} per prompt, for the backbone {manifest.backbone}"
    )
    if manifest.own_tokens is not None:
        saved, own = manifest.saved_bytes, manifest.own_tokens / manifest.prompts
        share = saved / (saved + manifest.feature_bytes)
        note(f"{saved / 1e6:,.1f} MB of padding ({share:.0%}) were left out: {own:.1f} tokens per prompt are its own")
    if not written.encoded:
        note(f"all prompts were there already; checked in {written.seconds:.1f} s")
        return
    if before := manifest.prompts - written.encoded:
        note(f"{before:,} prompts were there already")
    note(f"{written.encoded:,} prompts encoded in {written.seconds:.1f} s, {rate:,.0f} per second")
