"""Real SavedModels, tiny and made from seeds, one function each, by the kind of program that writes
them. A function takes the directory to write and answers the Golden that the model is compared with.
"""

COMMITTED = "committed"  # small, and part of the repository
SAMPLE = "sample"  # made and tested whenever CI runs
FULL = "full"  # made and tested by CI's full run only

MODELS = {}
PLACES = {}


def model(place):
    """Puts a function into the list of models, under its name."""

    def register(make):
        MODELS[make.__name__] = make
        PLACES[make.__name__] = place
        return make

    return register
