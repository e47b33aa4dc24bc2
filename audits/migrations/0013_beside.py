import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audits', '0012_rentals'),
    ]

    operations = [
        migrations.AddField(
            model_name='podrun',
            name='beside',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='leaders_run', to='audits.podrun'),
        ),
        migrations.AlterField(
            model_name='podrun',
            name='purpose',
            field=models.CharField(choices=[('leader', 'Leader'), ('audit', 'Audit'), ('title', 'Title'), ('beside', 'Beside')], max_length=8),
        ),
    ]
