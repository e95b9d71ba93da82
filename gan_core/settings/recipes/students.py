"""Student systems, reproduced with their authors' settings."""

from typing import Any

from gan_core.settings.recipes.recipe import Recipe, settings

ALL_IMAGES: dict[str, Any] = {"balance_classes": False}  # as they come, not balanced by class
NO_LABELS: dict[str, Any] = {"conditional": False, **ALL_IMAGES}

RECIPES: dict[str, Recipe] = {
    "clothing-cgan-28": Recipe(
        title="Clothing cGAN, 28 px",
        sentence="The tutorial cGAN of a student system on photographs of clothes in 28 px grey: labels as image planes.",
        shortfall="Without batch norm or a penalty it often draws one image for a class; photographs need more than 28 px.",
        source="a student system after the common 28-px tutorial; cGAN, arXiv:1411.1784",
        config=settings("clothing-cgan-28", "cgan28", **ALL_IMAGES),
    ),
    "garbage-gan-128": Recipe(
        title="Garbage GAN, 128 px",
        sentence="A student report's large plain GAN on photographs of garbage: shows what size without regularization gives.",
        shortfall="Slow (a GPU, or hours) and unstable: textures rather than objects. Its published scores are not credible.",
        source="a student report's layers and rates; batch 16 where the report showed one image at a time",
        config=settings(
            "garbage-gan-128",
            "garbage128",
            optimizer="rmsprop",
            clip_value=1.0,
            label_noise=0.05,
            batch=16,
            beta1=0.0,
            beta2=0.99,
            **NO_LABELS,
        ),
    ),
    "fashion-gan-28": Recipe(
        title="Fashion GAN, 28 px",
        sentence="A student report's plain GAN with small batches and almost no momentum: a first run to watch epoch by epoch.",
        shortfall="No batch norm, labels or penalty: checkerboards for the first few hundred steps, then little variety.",
        source="a student report's layers and rates; GAN, arXiv:1406.2661",
        config=settings("fashion-gan-28", "fashion28", batch=24, beta1=0.001, epochs=20.0, **NO_LABELS),
    ),
    "mnist-anime-gan": Recipe(
        title="Digits or faces GAN",
        sentence="The plainest GAN, for digits (400 epochs) or drawn faces (25): follow scores and losses by epoch.",
        shortfall="No labels, so a chosen digit cannot be drawn. Dense networks leave speckles, more so in colour.",
        source="a student system on digits and drawn faces; GAN, arXiv:1406.2661",
        config=settings("mnist-anime-gan", "mlp", epochs=400.0, **NO_LABELS),
    ),
    "mnist-cgan": Recipe(
        title="Digits cGAN",
        sentence="The same GAN with the label in both networks: one model that draws the digit that is asked for.",
        shortfall="Dense networks: right digits with speckled edges, and a class with few images stays poor.",
        source="a student system on digits; cGAN, arXiv:1411.1784",
        config=settings("mnist-cgan", "mlp", condition="concat", epochs=400.0, **ALL_IMAGES),
    ),
    "fashion-dcgan-28": Recipe(
        title="Fashion DCGAN, 28 px",
        sentence="The DCGAN of a student survey on Fashion-MNIST: shows how a plain GAN learns, and how it oscillates.",
        shortfall="It may oscillate between modes: a shirt at epoch 25 can become trousers at epoch 56.",
        source="DCGAN, arXiv:1511.06434, with the survey's own layers and rates",
        config=settings("fashion-dcgan-28", "dcgan28", penalty="r1+r2", gamma=0.0, batch=256, beta1=0.9, **NO_LABELS),
    ),
}
