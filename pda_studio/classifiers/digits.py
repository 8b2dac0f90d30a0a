"""The built-in digit classifier: the small MNIST network that Zhou & Kainz analysed."""

from torch import Tensor, nn

MEAN = 0.1307
STD = 0.3081
"""Mean and standard deviation of all MNIST training pixels, on a scale from 0 to 1."""

CLASS_NAMES = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")


class DigitsNetwork(nn.Module):
    """Two convolutions with max-pooling and two fully connected layers.

    It takes images of shape (N, 1, 28, 28), normalised with `MEAN` and `STD`, white on black,
    and returns one score per class, of shape (N, 10). The scores are not yet probabilities.
    """

    def __init__(self) -> None:
        super().__init__()
        # Every ReLU is a module of its own: attribution methods put hooks on each of them.
        self.conv1 = nn.Conv2d(1, 32, kernel_size=5, padding=2)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=5, padding=2)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(64 * 7 * 7, 1024)
        self.relu3 = nn.ReLU()
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(1024, len(CLASS_NAMES))

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores, of shape (N, 10), of images of shape (N, 1, 28, 28)."""
        x = self.pool1(self.relu1(self.conv1(images)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = self.relu3(self.fc1(self.flatten(x)))
        scores: Tensor = self.fc2(self.dropout(x))
        return scores
