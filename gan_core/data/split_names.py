"""The words by which folders and columns of metadata name train, validation and test, in some thirty languages."""

import functools
import re
import unicodedata
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

WORDS: dict[Split, str] = {
    "train": """
        train training trn trainset
        trainingsdaten trainieren lernen lerndaten entraînement apprentissage entraîner entrenamiento entrenar
        treino treinamento treinar addestramento allenamento trainen träning trening træning koulutus opetus
        treningowe treningowy uczące uczenie трейн обучение обучающая тренировка тренировочная навчання тренування обучение
        trénink trénovací tréning tanító tanulás antrenare antrenament εκπαίδευση eğitim latihan pelatihan
        训练 训练集 訓練 訓練集 学習 学習用 訓練データ 学習データ トレーニング 훈련 학습 훈련용 학습용
        تدريب التدريب אימון प्रशिक्षण ฝึก
    """,
    "validation": """
        val valid validation validate dev devel development valset
        validierung validierungsdaten validación validação validazione convalida validatie validering validointi
        walidacja walidacyjne walidacyjny валидация валидационная валідація validace validácia validálás validare
        επικύρωση doğrulama geçerleme validasi
        验证 验证集 驗證 驗證集 検証 検証用 検証データ バリデーション 검증 검증용
        تحقق التحقق אימות सत्यापन
    """,
    "test": """
        test tests testing tst testset eval evaluation evaluate holdout
        testdaten prüfung évaluation essai prueba pruebas evaluación teste testes avaliação prova verifica
        toets testi testowe testowy тест тестовая тестування тестова testovací teszt testare
        δοκιμή τεστ sınav uji pengujian
        测试 测试集 測試 測試集 テスト テスト用 テストデータ 評価 테스트 시험 평가 테스트용
        اختبار الاختبار בדיקה מבחן परीक्षण ทดสอบ
    """,
}
PHRASES: dict[Split, tuple[str, ...]] = {
    "train": ("huấn luyện",),
    "validation": ("xác thực", "hold out validation"),
    "test": ("kiểm tra", "thử nghiệm", "hold out"),
}
# Words that may stand beside one of a split and say nothing themselves: train_set, test-images, Validation data.
FILLERS = {"set", "data", "dataset", "split", "images", "imgs", "image", "img", "pictures", "photos", "folder", "dir"}


def folded(name: str) -> tuple[str, ...]:
    """The words of a name, without case, accents, digits and what stands between them."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.category(letter).startswith("M"))
    return tuple(re.findall(r"[^\W\d_]+", plain))


BY_WORDS: dict[tuple[str, ...], Split] = {
    folded(name): split for split in SPLITS for name in (*WORDS[split].split(), *PHRASES[split])
}


@functools.lru_cache(maxsize=4096)
def split_of(name: str) -> Split | None:
    """The split that a name is the word of: 'Test', 'val_set', 'train2017', 'entraînement'; None for any other name."""
    words = folded(name)
    return BY_WORDS.get(words) or BY_WORDS.get(tuple(word for word in words if word not in FILLERS))


@functools.lru_cache(maxsize=4096)
def split_in(name: str) -> Split | None:
    """The one split of which a name holds a word among others, as 'seg_train' does; None where there is none, or two."""
    found = {split for word in folded(name) if (split := BY_WORDS.get((word,)))}
    return split_of(name) or (found.pop() if len(found) == 1 else None)
