import pytest

from fullglow_jax.config.overrides import overridden
from fullglow_jax.errors import UserError
from fullglow_jax.studies.variants import variants_of
from tests.in_process import command
from website.command_lines import command_lines, pages


def found(vary=(), variant=(), family="full_glow"):
    return dict(variants_of(vary, variant, family))


def test_a_variant_for_each_value():
    assert found(["train.batch_size=1,4,16"]) == {
        f"batch_size={size}": {"train.batch_size": str(size)} for size in (1, 4, 16)
    }


def test_keys_may_be_written_as_in_other_flags():
    keys = {tuple(each) for each in found(["--config.model.lu=true,false"]).values()}
    assert keys == {("model.lu",)}


def test_each_combination_of_several_keys():
    variants = found(["model.lu=true,false", "train.batch_size=1,4"])
    assert list(variants)[1] == "lu=true,batch_size=4"
    assert len(variants) == 4
    assert variants["lu=false,batch_size=1"] == {"model.lu": "false", "train.batch_size": "1"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("data.image_size=16,16,32,64", ["16,16", "32,64"]),
        ("model.steps=(8,8),(4,4)", ["(8,8)", "(4,4)"]),
        ("data.root=a,b", ["a", "b"]),
    ],
)
def test_values_may_have_commas(text, values):
    key = text.partition("=")[0]
    assert [each[key] for each in found([text]).values()] == values


def test_named_variants_have_any_values_and_any_order():
    variants = found(
        ["train.batch_size=1,4"],
        ["as it is:", "slow: config.optimizer.learning_rate=1e-5 data.root='my data'"],
    )
    assert list(variants) == ["batch_size=1", "batch_size=4", "as it is", "slow"]
    assert variants["as it is"] == {}
    assert variants["slow"] == {"optimizer.learning_rate": "1e-5", "data.root": "my data"}


def test_names_are_those_of_one_folder():
    assert list(found(["data.root=a/b,../c"])) == ["root=a_b", "root=.._c"]


@pytest.mark.parametrize(
    ("vary", "variant", "message"),
    [
        ([], [], "nothing to compare"),
        (["train.batch_size=4"], [], "nothing to compare"),
        (["train.batch_size=1,1"], [], "two variants named 'batch_size=1'"),
        (["train.batch_size"], [], "'train.batch_size' is not KEY=VALUE"),
        (["train.batchsize=1,2"], [], "did you mean 'batch_size'"),
        (["train.batch_size=1,many"], [], "train.batch_size=many must be an integer"),
        (["optimizer.schedule=linear,cosin"], [], "did you mean 'cosine'"),
        ([], ["a: train.steps=1", "nameless"], "expected a name, a colon"),
        ([], ["a:", "b: steps"], "'steps' is not KEY=VALUE"),
        ([], ["a:", "b: data.root='x"], "No closing quotation"),
    ],
)
def test_what_is_no_variant_is_told(vary, variant, message):
    with pytest.raises(UserError, match=message):
        found(vary, variant)


def documented():
    lines = (line for page in pages() for line in command_lines(page))
    return [line.python[2:] for line in lines if line.python[:2] == ["-m", "fullglow_jax.studies"]]


@pytest.mark.parametrize("words", [words for words in documented() if words], ids=" ".join)
def test_documented_variants_are_possible(words):
    module = command("study")
    config = module.COMMAND.parse_config(words, alone=True)
    request = module.STUDY.request()
    for variant in variants_of(request.vary, request.variant, config.model.name):
        overridden(config, variant.overrides)
