"""Several answers a row are recognised in their usual writings, once for a column."""

from tenfold.media.files.several import combined, hot, one_hot, several_of

TAGS = ["urgent", "billing", "login"]
MANY = [(TAGS[n % 3],) if n % 2 else tuple(sorted({TAGS[n % 3], TAGS[(n // 2) % 3]}))
        for n in range(60)]  # fmt: skip


def test_each_usual_writing_gives_the_same_answers():
    writings = {
        "|": "|".join,
        ";": "; ".join,
        ",": ",".join,
        " ": " ".join,
        "list": list,
    }
    failed = []
    for form, write in writings.items():
        found = several_of([write(row) for row in MANY])
        if found is None or (found.form, found.rows) != (form, MANY) or found.exclusive:
            failed.append((form, found))
    texts = [str(list(row)) for row in MANY], [f'["{row[0]}"]' for row in MANY]
    failed += [text for text in texts if several_of(text).form != "list"]
    chinese = several_of(["、".join(("急", "账单")[: 1 + n % 2]) for n in range(9)] + ["账单"])
    assert not failed and chinese.form == "," and chinese.rows[1] == ("急", "账单")
    flags = several_of([{tag: float(tag in row) for tag in TAGS} for row in MANY])
    assert (flags.form, flags.rows) == ("flags", MANY)


def test_one_answer_a_row_is_no_list_of_answers():
    places = [f"{city}, {land}" for city, land in zip("abcdefgh", "xxyyzzvv", strict=True)]
    columns = [
        ["very good", "good", "very bad", "bad", "neutral"] * 4,
        ["Lyon, France", "Paris, France", "Berlin, Germany", "Bonn, Germany"] * 5,
        ["yes, definitely", "yes, maybe", "no"] * 5,
        ["south korea", "north korea", "south africa", "chad"] * 3,
        ["http:200", "http:404"] * 9,
        [1, 2, None, 3.0],
        places,
        ["", None],
    ]
    assert [one for one in columns if several_of(one) is not None] == []


def test_one_odd_row_does_not_change_the_others():
    assert several_of(["pos", "neg"] * 50 + ["['x"]) is None
    found = several_of([str(list(row)) for row in MANY] + ["urgent"])
    assert found.form == "list" and found.rows[-1] == ("urgent",)


def test_exclusive_lists_and_the_form_of_training():
    assert several_of([["a"], ["b"], ["a"]]).exclusive
    assert not several_of([["a"], ["b"], []]).exclusive
    assert several_of(["a", "b"], form="|").rows == [("a",), ("b",)]
    assert several_of(["a", "b"], form="list").rows == [("a",), ("b",)]
    assert "combinations" in combined(["a", "b", "a,c"]) and combined(["a", "b c"]) == ""
    spaced = ["pos", "neg", "pos food", "neg food", "pos staff", "pos food staff"]
    assert combined(spaced).values == {"count": 4, "name": "neg food"}
    names = ["good", "very good", "very very good", "bad", "very bad", "new york", "york"]
    assert combined(names) == "" and combined(["a b", "b c", "a b c"]) == ""


def test_columns_of_flags():
    rows = [[int(tag in row) for tag in TAGS] for row in MANY]
    columns = {"id": list(range(60))} | {
        tag: [row[at] for row in rows] for at, tag in enumerate(TAGS)
    }
    assert one_hot(columns) == TAGS
    assert [hot(TAGS, row) for row in rows] == MANY and hot(TAGS, [1, 0, "x"]) is None
    two = {"pos": ["1", "0", "1"], "neg": ["0", "1", "0"]}
    assert one_hot(two) == ["pos", "neg"]
    assert one_hot({"pos": [1, 0], "long": [1, 1]}) == [] and one_hot({"a": ["x"]}) == []
    words = {name: ["True", "False"] for name in "abc"}
    assert one_hot(words) == ["a", "b", "c"]
