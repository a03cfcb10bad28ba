import json
from pathlib import Path

import pytest
from common.sealed import Sealer, SealError, new_keys


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_text(new_keys())
    return path


def test_what_is_sealed_opens_again_and_never_looks_the_same(file: Path) -> None:
    sealer = Sealer.from_file(file)
    assert sealer.open(sealer.seal("+989121234567")) == "+989121234567"
    assert sealer.seal("x") != sealer.seal("x")
    assert sealer.lookup("x") == sealer.lookup("x") != sealer.lookup("y")


def test_after_a_rotation_old_texts_still_open(file: Path) -> None:
    old = Sealer.from_file(file).seal("علی")
    document = json.loads(file.read_text())
    document["keys"]["k2"] = json.loads(new_keys())["keys"]["k1"]
    document["current"] = "k2"
    file.write_text(json.dumps(document))
    sealer = Sealer.from_file(file)
    assert sealer.open(old) == "علی"
    assert sealer.seal("علی").startswith("k2:")


def test_a_changed_text_or_an_unknown_key_does_not_open(file: Path) -> None:
    sealer = Sealer.from_file(file)
    sealed = sealer.seal("علی")
    for wrong in (sealed[:-8] + "AAAAAAA=", "k9:" + sealed[3:], "nothing"):
        with pytest.raises(SealError):
            sealer.open(wrong)


def test_keys_that_cannot_be_used_say_so(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"current": "k1", "keys": {}, "lookup": "AA=="}')
    with pytest.raises(SealError, match="PASOKH_SEAL_KEYS"):
        Sealer.from_file(tmp_path / "keys.json")
    with pytest.raises(SealError, match="PASOKH_SEAL_KEYS"):
        Sealer.from_file(tmp_path / "missing.json")


def test_a_sealer_shows_no_keys(file: Path) -> None:
    assert "lookup" not in repr(Sealer.from_file(file))
