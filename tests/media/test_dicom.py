"""DICOM pictures: grey values by the window, one part for a patient, no identifier kept."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tenfold.core import device
from tenfold.data.prepare import prepare
from tenfold.media.files.references import Unreadable
from tenfold.media.image import decode
from tenfold.tasks.registry import find

pydicom = pytest.importorskip("pydicom")
NAME = "Roe^Richard"


def scan_of(values: np.ndarray, patient: str = "", window: bool = False, **tags: object) -> bytes:
    """A DICOM file with 16-bit grey values (H, W) or (frames, H, W), or colours (H, W, 3) uint8."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["1"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    colour = values.dtype == np.uint8
    found.Rows, found.Columns = values.shape[-3:-1] if colour else values.shape[-2:]
    found.SamplesPerPixel = 3 if colour else 1
    found.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        found.PlanarConfiguration = 0
    found.BitsAllocated = found.BitsStored = 8 * values.itemsize
    found.HighBit, found.PixelRepresentation = found.BitsStored - 1, 0
    if values.ndim == 3 and not colour:
        found.NumberOfFrames = len(values)
    found.PatientID, found.PatientName = patient, NAME
    if window:
        found.WindowCenter, found.WindowWidth = 1000, 200
    for tag, value in tags.items():
        setattr(found, tag, value)
    found.PixelData = values.tobytes()
    file = io.BytesIO()
    found.save_as(file, enforce_file_format=True)
    return file.getvalue()


def test_the_window_of_the_file_decides_the_grey_values():
    ramp = np.tile(np.arange(800, 1200, 4, dtype=np.uint16), (20, 1))
    shown = decode.decode(scan_of(ramp, window=True), 20, 100, 1)[..., 0]
    assert (shown[:, :20] == 0).all() and (shown[:, -20:] == 255).all()
    assert 120 < shown[0, 50] < 135
    whole = decode.decode(scan_of(ramp), 20, 100, 1)[..., 0]
    assert whole[0, 0] == 0 and whole[0, -1] == 255
    turned = scan_of(ramp, PhotometricInterpretation="MONOCHROME1")
    assert (decode.decode(turned, 20, 100, 1)[..., 0] == 255 - whole).all()
    found = decode.header(scan_of(ramp, "patient 7"))
    assert (found.width, found.height, found.channels) == (100, 20, 1) and found.patient
    colours = np.random.default_rng(0).integers(0, 255, (16, 24, 3)).astype(np.uint8)
    assert (decode.decode(scan_of(colours), 16, 24, 3) == colours).all()
    frames = np.stack([ramp, ramp[:, ::-1]])
    assert decode.header(scan_of(frames)).several
    assert (decode.decode(scan_of(frames), 20, 100, 1)[..., 0] == whole).all()


def test_damaged_files_are_problems_not_failures():
    whole = scan_of(np.zeros((20, 30), np.uint16))
    for broken in (whole[:300], whole[:-400], whole[:132] + b"\xff" * 400):
        with pytest.raises(Unreadable):
            decode.decode(broken, 20, 30, 1)


def test_a_patient_is_in_one_part_and_unnamed(tmp_path: Path):
    random = np.random.default_rng(3)
    rows = []
    for number in range(60):
        place = tmp_path / "scans" / ("dark" if number % 2 else "light")
        place.mkdir(parents=True, exist_ok=True)
        values = random.integers(0, 4000, (16, 16)).astype(np.uint16)
        (place / f"{number}.dcm").write_bytes(scan_of(values, f"patient {number // 5}"))
        rows.append((f"{place.name}/{number}.dcm", number // 5))
    device.prepare()
    prepared = prepare(find("image-classification"), tmp_path / "scans")
    assert len(prepared.used) == 60
    parts = dict(zip(prepared.used["source"], prepared.used["split"], strict=True))
    table = pd.DataFrame(rows, columns=["source", "patient"])
    each = table.assign(part=table["source"].map(parts)).groupby("patient")["part"].nunique()
    assert (each == 1).all() and len(set(parts.values())) > 1
    text = json.dumps(prepared.used.astype(str).to_dict())
    assert NAME not in text
