"""Vehicle re-identification with SGFD (Self-supervised Geometric Features Discovery): learn, evaluate, look, export.

In the order of the flow; a room imports only from rooms above it or on its line:

    errors, extras, exits     a user's mistakes, packages that are missing, and how commands end
    storage                   paths by URL
    files, atomic             the one way in for files; writes that end whole or not at all
    settings, devices         TOML files and --set into parameters; where to compute, in which number type
    config                    every parameter
    datasets/                 which images are there, of which vehicle and camera?
    data/                     how do image files become batches?
    crops/                    how does a data set come out of videos?
    model/                    what is the network, and how is it kept, fused, exported?
    training/                 how does it learn?
    evaluation/               how good are its features?
    figures/                  what does it look at, what does it find?
    cli/                      the command ``reid``: one file per command
"""

from importlib.metadata import PackageNotFoundError, distribution

try:
    _other = distribution("reid")
except PackageNotFoundError:
    pass
else:
    raise ImportError(
        f"expected this package alone under the name reid, found also the distribution 'reid' {_other.version}, whose "
        "files mix with it. Run `pip uninstall reid`, then `pip install --force-reinstall --no-deps mtmc`."
    )
